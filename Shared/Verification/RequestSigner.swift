import LibCrypto
import Primitives
package import VerificationSchemes
import Wire

/// Makes the signatures that a `SignatureScheme` asks for: the sender's half of `SignatureCheck`. Belongs to one thread.
package final class RequestSigner {
    /// Hands over, one after another, the pieces in which bytes lie in memory.
    package typealias Parts = ((UnsafeRawBufferPointer) -> Void) -> Void

    /// A key that can sign.
    package enum Key: Sendable {
        /// For HMAC; not empty.
        case shared([UInt8])
        /// The seed of an Ed25519 key.
        case ed25519([UInt8])
    }

    /// What is signed: the body where it lies, and what stands around it.
    private struct Content {
        var bytes: [UInt8] = []
        /// Where in `bytes` the body goes.
        var bodyPlaces: [Int] = []

        func forEachPiece(_ own: (UnsafeRawBufferPointer) -> Void, body: () -> Void) {
            bytes.withUnsafeBytes { bytes in
                var start = 0
                for place in bodyPlaces {
                    own(UnsafeRawBufferPointer(rebasing: bytes[start..<place]))
                    body()
                    start = place
                }
                own(UnsafeRawBufferPointer(rebasing: bytes[start...]))
            }
        }
    }

    /// One signature of a field.
    private struct Signature {
        enum Maker {
            case hmac(HMACKey)
            case ed25519(Ed25519SigningKey)
        }

        /// What stands before the encoded code.
        let prefix: [UInt8]
        let isHexadecimal: Bool
        let maker: Maker

        func append(over content: Content, _ body: Parts, to value: inout ByteWriter) {
            value.raw(prefix)
            switch maker {
            case .hmac(let key):
                key.begin()
                content.forEachPiece(key.add) { body(key.add) }
                key.finish { encode($0, to: &value) }
            case .ed25519(let key):
                // Which goes over its content twice, so it has to lie in one piece.
                var whole: [UInt8] = []
                content.forEachPiece {
                    whole.append(contentsOf: $0)
                } body: {
                    body { whole.append(contentsOf: $0) }
                }
                whole.withUnsafeBytes { whole in key.withSignature(of: whole) { encode($0, to: &value) } }
            }
        }

        private func encode(_ code: UnsafeRawBufferPointer, to value: inout ByteWriter) {
            if isHexadecimal {
                Hexadecimal.encode(code, to: &value.bytes)
            } else {
                Base64.encode(code, to: &value)
            }
        }
    }

    /// A header field that holds signatures.
    private struct Field {
        let name: String
        /// What stands before the time stamp where the field holds that too.
        let timeKey: [UInt8]?
        let separator: UInt8
        let holdsOne: Bool
        var signatures: [Signature] = []
    }

    private let content: [ContentPart]
    private let fields: [Field]
    private var signed = Content()
    private var value = ByteWriter(reservingBytes: 128)

    /// Every key signs with each algorithm that it is for. A field that holds one value has the first of these signatures.
    /// Nil where a key is none.
    package init?(_ scheme: SignatureScheme, keys: [Key]) {
        content = scheme.content
        var fields: [Field] = []
        for key in keys {
            for signature in scheme.signatures {
                let maker: Signature.Maker
                switch (key, signature.algorithm.digest) {
                case (.shared(let bytes), let digest?):
                    guard !bytes.isEmpty else { return nil }
                    maker = .hmac(HMACKey(bytes, digest))
                case (.ed25519(let seed), nil):
                    guard let key = Ed25519SigningKey(seed) else { return nil }
                    maker = .ed25519(key)
                case (.shared, nil), (.ed25519, _?): continue
                }
                let place = fields.firstIndex { $0.name == signature.field } ?? fields.endIndex
                if place == fields.endIndex { fields.append(Self.field(signature, scheme.timestamp)) }
                guard !fields[place].holdsOne || fields[place].signatures.isEmpty else { continue }
                fields[place].signatures.append(
                    Signature(
                        prefix: Array((signature.list.mark + signature.prefix).utf8),
                        isHexadecimal: signature.encoding == .hex, maker: maker))
            }
        }
        self.fields = fields
    }

    private static func field(_ signature: SignatureField, _ timestamp: TimestampField?) -> Field {
        let timeKey = timestamp.flatMap { $0.field == signature.field ? $0.pairKey : nil }
        return Field(
            name: signature.field, timeKey: timeKey.map { Array("\($0)=".utf8) },
            separator: UInt8(ascii: signature.list.isVersions ? " " : ","), holdsOne: signature.list == .single)
    }

    /// Signs one request and calls `each` with the fields that prove it and their values. `timestamp`: its text, empty where
    /// the scheme has none. `append` gives what other parts than literals, time stamp and body stand for.
    package func sign(
        _ body: Parts, timestamp: [UInt8], append: (ContentPart, inout [UInt8]) -> Void,
        each: (_ field: String, _ value: [UInt8]) -> Void
    ) {
        signed.bytes.removeAll(keepingCapacity: true)
        signed.bodyPlaces.removeAll(keepingCapacity: true)
        for part in content {
            switch part {
            case .literal(let text): signed.bytes.append(contentsOf: text.utf8)
            case .body: signed.bodyPlaces.append(signed.bytes.count)
            case .timestamp: signed.bytes.append(contentsOf: timestamp)
            case .field, .url, .form: append(part, &signed.bytes)
            }
        }
        for field in fields {
            value.bytes.removeAll(keepingCapacity: true)
            if let timeKey = field.timeKey {
                value.raw(timeKey)
                value.raw(timestamp)
                value.u8(field.separator)
            }
            for (index, signature) in field.signatures.enumerated() {
                if index > 0 { value.u8(field.separator) }
                signature.append(over: signed, body, to: &value)
            }
            each(field.name, value.bytes)
        }
    }
}

extension SignatureField.List {
    fileprivate var isVersions: Bool {
        if case .versions = self { true } else { false }
    }

    /// What names one value of several.
    fileprivate var mark: String {
        switch self {
        case .single: ""
        case .pairs(let key): key + "="
        case .versions(let version): version + ","
        }
    }
}
