/// The mapping of a provider whose webhooks are one JSON object and one event each, as data.
package struct ObjectMapping: Sendable {
    /// The provider's name for itself, `Provider.attribute`.
    package var provider: StaticString
    package var types: [MappedType]
    /// What events are about that no line of `types` names, or whose own subject lacks its first field: the first of
    /// these that has its first field.
    package var fallbacks: [MappedType] = []
    /// Where the type is.
    package var typeField = "type"
    /// The field of the request's head that holds the id, of providers that send it there.
    package var idHeader: StaticString?
    /// Where the id is, best first; none: types make their own, or it is generated.
    package var idFields: [String] = []
    /// Where the time is, best first; none: types have their own, or it is received-at.
    package var timeFields: [String] = []
    package var timeUnit = TimeUnit.rfc3339
    /// Whether a time may be an integer, of nanoseconds since 1970, in place of a text.
    package var takesIntegerTimes = false
    /// Paths to try for a field of a template, best first; a field without alias is its own path.
    package var aliases: [String: [String]] = [:]
}
