import Events
import Wire

/// Holds the client's address against the networks that a source allows.
final class AddressCheck {
    private let slot: Int
    /// Nil where the configured text names no network: nobody comes from there.
    private let networks: [AddressNetwork?]

    init(_ addresses: [String], fields: HeadFields) {
        slot = fields.slot(RequestHead.peer)
        networks = addresses.map(AddressNetwork.init)
    }

    /// The first network that the request comes from.
    func check(_ fields: HeadFields) -> ProofFinding {
        guard let peer = fields.value(slot), let address = AddressNetwork.address(peer) else {
            return .refused(Refusal(.addressNotAllowed, "the client's address is not known"))
        }
        for place in networks.indices where networks[place]?.contains(address) == true { return .proved(key: place) }
        return .refused(Refusal(.addressNotAllowed, "the client's address is not in the networks that may send"))
    }
}
