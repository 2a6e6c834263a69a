import Crypto
import Events
import Primitives
import VerificationSchemes
import Wire

/// Compares a secret that travels along with the request. Belongs to one thread.
final class TokenCheck {
    private let place: TokenPlace
    private let slot: Int
    private let prefix: [UInt8]
    /// Whether the prefix is an authentication scheme.
    private let isScheme: Bool
    private let parameter: [UInt8]
    private let keys: [SourceKey]
    private let missing: Refusal
    private let malformed: Refusal
    private let mismatch: Refusal
    private let outOfTime: Refusal

    init(_ place: TokenPlace, keys: SourceKeys, fields: HeadFields) {
        self.place = place
        self.keys = keys.keys
        let noun: String
        var prefix = ""
        var parameter = ""
        switch place {
        case .field(let name, let before):
            slot = fields.slot(name)
            prefix = before
            noun = before.isEmpty ? name : "\(name) with `\(before)` before the secret"
        case .query(let name):
            slot = fields.slot(RequestHead.query)
            parameter = name
            noun = "query parameter \(name)"
        case .path:
            slot = fields.slot(RequestHead.pathToken)
            noun = "token behind the source in its path"
        case .basic:
            slot = fields.slot("authorization")
            noun = "Authorization with the scheme Basic"
        }
        // A prefix that ends with a blank is a scheme, which is kept without it.
        isScheme = prefix.last == " "
        self.prefix = Array((isScheme ? prefix.dropLast() : prefix[...]).utf8)
        self.parameter = Array(parameter.utf8)
        missing = Refusal(.tokenMissing, "the request has no \(noun)")
        malformed = Refusal(.tokenMalformed, "the request has \(noun) more than once, or it is damaged")
        mismatch = Refusal(.tokenMismatch, "the \(noun) is not a configured one")
        outOfTime = Refusal(.tokenMismatch, "no \(noun) of this source counted when the webhook was received")
    }

    func check(_ fields: HeadFields, receivedAtNanoseconds: Int64) -> ProofFinding {
        guard let value = fields.value(slot) else { return .refused(missing) }
        if fields.isRepeated(slot) { return .refused(malformed) }
        switch place {
        case .field:
            if isScheme {
                guard let text = value.credentials(ofScheme: prefix) else {
                    return .refused(malformed)
                }
                return compare(text, receivedAtNanoseconds)
            }
            guard value.starts(with: prefix) else { return .refused(malformed) }
            return compare(UnsafeRawBufferPointer(rebasing: value[prefix.count...]), receivedAtNanoseconds)
        case .query:
            switch QueryText.value(parameter, in: value) {
            case .absent: return .refused(missing)
            case .malformed: return .refused(malformed)
            case .value(let text): return text.withUnsafeBytes { compare($0, receivedAtNanoseconds) }
            }
        case .path:
            guard value.contains(UInt8(ascii: "%")) else { return compare(value, receivedAtNanoseconds) }
            guard let text = PercentCoding.decode(value, plusIsSpace: false) else { return .refused(malformed) }
            return text.withUnsafeBytes { compare($0, receivedAtNanoseconds) }
        case .basic:
            guard let credentials = value.credentials(ofScheme: "basic".utf8), !credentials.isEmpty,
                let text = Base64.decode(credentials)
            else { return .refused(malformed) }
            return text.withUnsafeBytes { compare($0, receivedAtNanoseconds) }
        }
    }

    private func compare(_ text: UnsafeRawBufferPointer, _ receivedAtNanoseconds: Int64) -> ProofFinding {
        var isAnyInTime = false
        for place in keys.indices where keys[place].validity.holds(at: receivedAtNanoseconds) {
            isAnyInTime = true
            if keys[place].bytes.withUnsafeBytes({ ConstantTime.equal($0, text) }) { return .proved(key: place) }
        }
        return .refused(isAnyInTime ? mismatch : outOfTime)
    }
}
