import JSON
import Normalisation
import Providers

/// Samples of a provider that has none of its own: the fields that its mapping reads, and nothing else.
enum DerivedSamples {
    /// Nil where the provider's webhooks are not one JSON object each, which a mapping as data describes.
    static func catalogue(_ provider: any Provider.Type) -> SampleCatalogue? {
        guard case .object(let mapping) = provider.payload else { return nil }
        let types = mapping.types.map(\.providerType)
        return SampleCatalogue(provider.name, types, takesAnyType: types.isEmpty) { order in
            let body = json(fields(order, mapping).map { ($0.path.split(separator: ".")[...], $0.value) })
            return SampleBody(body.text, eventIDs: mapping.idFields.isEmpty ? [] : [order.id])
        }
    }

    /// Every field with its value; of the places that one may have, the best.
    private static func fields(
        _ order: SampleOrder, _ mapping: ObjectMapping
    ) -> [(path: String, value: JSONText)] {
        let row = mapping.types.first { $0.providerType == order.type } ?? mapping.fallbacks.first
        var fields: [(path: String, value: JSONText)] = [(mapping.typeField, .string(order.type))]
        func add(_ field: String, _ value: JSONText) {
            let path = mapping.aliases[field]?.first ?? field
            if !path.isEmpty, !fields.contains(where: { $0.path == path }) { fields.append((path, value)) }
        }
        if let id = mapping.idFields.first { add(id, .string(order.id)) }
        if let time = row?.time ?? mapping.timeFields.first { add(time, order.createdAt(in: mapping.timeUnit)) }
        let templates = [row?.subject, row?.id].compactMap { $0 }
        for field in templates.flatMap(Vocabulary.fields(of:)) + [row?.partitionKey ?? ""] {
            let words = field.split(separator: ".").filter { $0 != "id" }
            add(field, .string("\(words.last ?? "id")-1"))
        }
        return fields
    }

    /// The object with these members; a path that goes on is an object of its own.
    private static func json(_ fields: [(path: ArraySlice<Substring>, value: JSONText)]) -> JSONText {
        var names: [Substring] = []
        for case let name? in fields.map(\.path.first) where !names.contains(name) { names.append(name) }
        return .object(
            names.map { name in
                let inside = fields.filter { $0.path.first == name }
                let deeper = inside.filter { $0.path.count > 1 }.map { ($0.path.dropFirst(), $0.value) }
                return (String(name), deeper.isEmpty ? inside[0].value : json(deeper))
            })
    }
}
