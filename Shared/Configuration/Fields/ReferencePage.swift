/// What the reference says about one object of the configuration.
package struct ReferencePage: Sendable {
    package struct Row: Sendable {
        let key: String
        let value: String
        let `default`: String
        let doc: String
        let effect: ConfigurationChange.Effect?
    }

    /// Such as `router.quarantine`, `sources[]`; empty for the whole file.
    let place: String
    let rows: [Row]
}
