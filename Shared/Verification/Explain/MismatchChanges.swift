import Gzip
import Primitives
import VerificationSchemes
import Wire

/// What goes wrong in practice between a sender and a check.
enum MismatchChanges {
    private typealias Change = MismatchSearch.Change
    private typealias Trial = MismatchSearch.Trial

    static func all(_ inflater: Inflater) -> [MismatchSearch.Change] {
        times + keys + bodies(inflater) + spellings + algorithms + contents
    }

    private static var times: [Change] {
        [
            Change(.time, "the time stamp is read in the other unit (seconds, milliseconds)") {
                $0.with { scheme in
                    guard let unit = scheme.timestamp?.unit, scheme.toleranceSeconds != nil else { return }
                    scheme.timestamp?.unit = unit == .seconds ? .milliseconds : .seconds
                }
            },
            Change(.time, "its age is not looked at: the clocks differ, or it was kept before it was sent") {
                $0.withToken { $0.leewaySeconds = 1_000_000_000 } ?? $0.with { $0.toleranceSeconds = nil }
            },
        ]
    }

    // MARK: Secrets

    private static var keys: [Change] {
        [
            Change(.key, "the secret is used as text instead of being base64-decoded") {
                guard form($0) == .base64 || form($0) == .standardWebhooks else { return nil }
                return $0.withKeys { Array($0.withUnsafeBytes { Base64.encode($0) }.utf8) }
            },
            Change(.key, "the secret is used as text with its prefix `whsec_`") {
                guard form($0) == .standardWebhooks else { return nil }
                return $0.withKeys { Array(StandardWebhooksKey.text(.shared, $0).utf8) }
            },
            Change(.key, "the secret's hexadecimal digits are used as text") {
                guard form($0) == .hex else { return nil }
                return $0.withKeys { Array($0.withUnsafeBytes { Hexadecimal.encode($0) }.utf8) }
            },
            Change(.key, "the secret is base64-decoded") {
                form($0) == .text ? $0.withKeys { Base64.decode(unpadded: StandardWebhooksKey($0).base64) } : nil
            },
            Change(.key, "the secret is decoded from hexadecimal digits") {
                form($0) == .text ? $0.withKeys { Hexadecimal.decode($0) } : nil
            },
            Change(.key, "the spaces, line breaks or quotes around the secret are taken away") {
                $0.withKeys { trimmed($0, Array(" \t\r\n\"'".utf8)) }
            },
            Change(.key, "a line break is added to the secret") { $0.withKeys { $0 + [UInt8(ascii: "\n")] } },
            Change(.key, "a secret is used that did not count at that time") { trial in
                let keys = trial.verification.keys.keys
                guard keys.contains(where: { $0.validity != .always }) else { return nil }
                var changed = trial
                changed.verification.keys = SourceKeys(
                    keys.map { SourceKey(id: $0.id, bytes: $0.bytes, isPublic: $0.isPublic) })
                return changed
            },
            Change(.key, "another secret of this source is used than the one that the request names") {
                $0.withToken { ($0.issuerNamesKey, $0.keyParameter) = (false, nil) } ?? $0.with { $0.keyField = nil }
            },
        ]
    }

    /// How secrets become keys; nil where there are none.
    private static func form(_ trial: Trial) -> KeyForm? {
        switch trial.verification.scheme.proof {
        case .signature(let scheme): scheme.keyForm
        case .jwt, .token: .text
        case .none: nil
        }
    }

    private static func trimmed(_ bytes: [UInt8], _ around: [UInt8]) -> [UInt8] {
        Array(bytes.drop { around.contains($0) }.reversed().drop { around.contains($0) }.reversed())
    }

    // MARK: Bodies

    private static func bodies(_ inflater: Inflater) -> [Change] {
        func body(_ words: String, _ change: @escaping ([UInt8]) -> [UInt8]?) -> Change {
            Change(.body, words) { $0.withBody(change($0.body)) }
        }
        func signing(inflated: Bool, _ words: String) -> Change {
            Change(.body, words) { trial in
                guard trial.body.withUnsafeBytes({ Inflater.isCompressed($0) }) else { return nil }
                return trial.with { $0.signsInflatedBody = inflated }
            }
        }
        return [
            body("the line break at the end of the body is taken away") { body in
                Array(body.reversed().drop { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }.reversed())
            },
            body("a line break is added to the body") { $0 + [UInt8(ascii: "\n")] },
            body("the body's JSON is written without spaces (it was re-serialised)") {
                JSONSpelling(.compact).write($0)
            },
            body("the body's JSON is written as Python's `json.dumps` writes it (it was re-serialised)") {
                JSONSpelling(.spaced, escapesNonASCII: true).write($0)
            },
            body("the body's JSON is written with a space behind colons and commas (it was re-serialised)") {
                JSONSpelling(.spaced).write($0)
            },
            body("the body's JSON is written without spaces and with \\u escapes (it was re-serialised)") {
                JSONSpelling(.compact, escapesNonASCII: true).write($0)
            },
            body("the body's line breaks are written \\n instead of \\r\\n") {
                $0.filter { $0 != UInt8(ascii: "\r") }
            },
            body("the body is inflated") { body in
                body.withUnsafeBytes { bytes in
                    guard Inflater.isCompressed(bytes) else { return nil }
                    return inflater.inflate(bytes) { outcome in
                        if case .inflated(let plain) = outcome { Array(plain) } else { nil }
                    }
                }
            },
            body("the body is empty") { _ in [] },
            signing(inflated: false, "the body is signed as it came, before it is inflated"),
            signing(inflated: true, "the body is signed after it is inflated"),
        ]
    }

    // MARK: Signatures

    private static var spellings: [Change] {
        func all<Value>(
            _ words: String, _ part: WritableKeyPath<SignatureField, Value>, _ value: Value
        ) -> Change {
            Change(.spelling, words) { $0.withAll(part, value) }
        }
        return [
            Change(.spelling, "the spaces around the signature are taken away") { trial in
                guard case .signature(let scheme) = trial.verification.scheme.proof else { return nil }
                let names = scheme.signatures.map { Array($0.field.utf8) }
                return trial.withFields({ names.contains($0) }) { trimmed($0, [0x20]) }
            },
            all("the signature is read as base64", \.encoding, .base64),
            all("the signature is read as hexadecimal digits", \.encoding, .hex),
            all("the signature has no prefix", \.prefix, ""),
            all("the signature's prefix is `sha256=`", \.prefix, "sha256="),
            all("the signature's prefix is `v0=`", \.prefix, "v0="),
            all("the signature's prefix is `v1=`", \.prefix, "v1="),
        ]
    }

    private static var algorithms: [Change] {
        SignatureField.Algorithm.allCases.filter { $0 != .ed25519 }.map { name in
            Change(.algorithm, "the algorithm is \(name.rawValue)") { $0.withAll(\.algorithm, name) }
        }
    }

    // MARK: What is signed

    private static var contents: [Change] {
        [
            begins("http://", insteadOf: "https://"), begins("https://", insteadOf: "http://"),
            Change(.content, "the URL ends with a slash") {
                guard !$0.fields.contains(where: { $0.name == Array(RequestHead.pathToken.utf8) }) else { return nil }
                return signingURL($0) { $0.verification.source += "/" }
            },
            Change(.content, "the URL is signed without its query") {
                signingURL($0) { $0.fields.removeAll { $0.name == Array(RequestHead.query.utf8) } }
            },
            Change(.content, "the body alone is signed") { signing([.body], $0) },
            Change(.content, "time stamp, dot and body are signed") {
                signing([.timestamp, .literal("."), .body], $0)
            },
            Change(.content, "time stamp and body are signed without a dot between them") {
                signing([.timestamp, .body], $0)
            },
        ]
    }

    private static func begins(_ new: String, insteadOf old: String) -> Change {
        Change(.content, "`public_url` begins with \(new) instead of \(old)") { trial in
            guard trial.verification.publicURL.hasPrefix(old) else { return nil }
            return signingURL(trial) {
                $0.verification.publicURL = new + $0.verification.publicURL.dropFirst(old.count)
            }
        }
    }

    private static func signing(_ content: [ContentPart], _ trial: Trial) -> Trial? {
        trial.with { scheme in
            if scheme.timestamp != nil || !content.contains(.timestamp) { scheme.content = content }
        }
    }

    private static func signingURL(_ trial: Trial, _ change: (inout Trial) -> Void) -> Trial? {
        guard case .signature(let scheme) = trial.verification.scheme.proof, scheme.content.contains(.url) else {
            return nil
        }
        var changed = trial
        change(&changed)
        return changed
    }
}

extension MismatchSearch.Trial {
    /// The trial with the same value in all places of signatures; nil where it is there already.
    fileprivate func withAll<Value>(_ part: WritableKeyPath<SignatureField, Value>, _ value: Value) -> Self? {
        with { scheme in
            for place in scheme.signatures.indices { scheme.signatures[place][keyPath: part] = value }
        }
    }
}
