import Executable
package import JSON

extension TributaryConfiguration {
    /// The configuration as a file that says all: keys as they are written, paths absolute, secrets as references. Read
    /// again it is the same, but for literal secrets.
    package var json: JSONValue { Self.table.write(self, .file) }

    /// With a member `environment`, stage to names of environment variables: what a supervisor passes on, and nothing else.
    package var jsonWithEnvironment: JSONValue {
        guard case .object(let members) = json else { return json }
        let stages = Stage.allCases.map { stage in
            JSONMember(
                name: stage.rawValue, value: .array(environmentVariables(of: stage).map { JSONValue.string($0) }))
        }
        return .object(members + [JSONMember(name: "environment", value: .object(stages))])
    }
}

/// What the tables say to editors and to people.
package enum ConfigurationReference {
    /// The JSON Schema (draft 2020-12) of configuration files.
    package static var schema: JSONValue {
        let file = TributaryConfiguration.table.schema(.file)
        guard case .object(let members)? = JSONValue.read(file.json.bytes) else { return .null }
        let lead = [
            ("$schema", "https://json-schema.org/draft/2020-12/schema"), ("title", "Configuration of Tributary"),
        ]
        return .object(lead.map { JSONMember(name: $0.0, value: .string($0.1)) } + members)
    }

    /// A Markdown page with every key.
    package static var page: String {
        let head = """
            # Configuration reference

            Every key of the configuration file, made by `tributary config --reference` out of the tables that decode it.
            How to work with the file is told in [README.md](README.md). Durations have a unit: 250ms, 5s, 10m, 2h, 7d.
            Secrets are references: `env:NAME`, `file:PATH` or, on loopback, `literal:TEXT`. A change counts in place after
            a reload, unless something else is said.

            """
        var known: Set<String> = []
        let sections = TributaryConfiguration.table.pages("").compactMap { page in
            known.insert(page.place).inserted ? page.markdown : nil
        }
        return head + sections.joined()
    }
}

extension ReferencePage {
    fileprivate var markdown: String {
        let title = place.isEmpty ? "The file" : "`\(place)`"
        let lines = rows.map { row in
            let effect =
                switch row.effect {
                case .restart: " *Restarts the stage.*"
                case .pipeline: " *Restarts the pipeline.*"
                case .instances, .inPlace, nil: ""
                }
            let standard = row.default.isEmpty ? "" : row.default == "required" ? "required" : "`\(row.default)`"
            let value = row.value.hasPrefix("a mapping with ") ? "a mapping, see below" : row.value
            return "| `\(row.key)` | \(value.cell) | \(standard.cell) | \(row.doc.cell)\(effect) |"
        }
        return """

            ## \(title)

            | key | value | default | meaning |
            |---|---|---|---|
            \(lines.joined(separator: "\n"))

            """
    }
}

extension String {
    /// In a cell of a table.
    fileprivate var cell: String { replacing("|", with: "\\|") }
}
