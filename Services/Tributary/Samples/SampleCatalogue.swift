import Normalisation
import Providers

/// The samples of one provider.
struct SampleCatalogue: Sendable {
    let provider: String
    let contentType: String
    /// In the order of the provider's documentation.
    let types: [String]
    /// Whether its users name events themselves, so that there are types beyond `types`.
    let takesAnyType: Bool
    /// Whether one request can carry several events.
    let takesBatches: Bool
    /// Nil where there is no sample of that type.
    let body: @Sendable (SampleOrder) -> SampleBody?

    /// The provider's samples, derived from its mapping where there are none of its own; nil where that says nothing.
    static func of(_ provider: String) -> SampleCatalogue? {
        all.first { $0.provider == provider }
            ?? ProviderRegistry.provider(named: provider).flatMap(DerivedSamples.catalogue)
    }

    static let all: [SampleCatalogue] =
        SampleTemplates.catalogues + [
            SampleCatalogue(
                "fishjam", FishjamSamples.types, contentType: "application/x-protobuf", takesBatches: true
            ) { order in
                FishjamSamples.body(of: order.type).map { body in
                    // Fishjam names no event, so nobody knows its id beforehand.
                    SampleBody(order.batch.map { FishjamSamples.batch(of: $0, body) } ?? body, eventIDs: [])
                }
            },
            SampleCatalogue("superviz", SuperVizSamples.types, takesAnyType: true, takesBatches: true) { order in
                SuperVizSamples.body(order)
            },
        ]

    init(
        _ provider: String, _ types: [String], contentType: String = "application/json", takesAnyType: Bool = false,
        takesBatches: Bool = false, body: @escaping @Sendable (SampleOrder) -> SampleBody?
    ) {
        self.provider = provider
        self.types = types
        self.contentType = contentType
        self.takesAnyType = takesAnyType
        self.takesBatches = takesBatches
        self.body = body
    }
}
