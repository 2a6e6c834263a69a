import VerificationSchemes
import Wire

/// What goes wrong with signatures, algorithms and URLs.
enum FieldChanges {
    private static let spelling = 3
    private static let algorithm = 4
    private static let content = 5

    static var all: [MismatchSearch.Change] { spellings + algorithms + contents }

    private static var spellings: [MismatchSearch.Change] {
        [
            MismatchSearch.Change(axis: spelling, words: "the spaces around the signature are taken away") { trial in
                trial.withFields(isSignature(trial)) { value in
                    Array(value.drop { $0 == 0x20 }.reversed().drop { $0 == 0x20 }.reversed())
                }
            },
            MismatchSearch.Change(axis: spelling, words: "the signature is read as base64") { encoded(.base64, $0) },
            MismatchSearch.Change(axis: spelling, words: "the signature is read as hexadecimal digits") {
                encoded(.hex, $0)
            },
            MismatchSearch.Change(axis: spelling, words: "the signature has no prefix") { prefixed("", $0) },
            MismatchSearch.Change(axis: spelling, words: "the signature's prefix is `sha256=`") {
                prefixed("sha256=", $0)
            },
            MismatchSearch.Change(axis: spelling, words: "the signature's prefix is `v0=`") { prefixed("v0=", $0) },
            MismatchSearch.Change(axis: spelling, words: "the signature's prefix is `v1=`") { prefixed("v1=", $0) },
        ]
    }

    private static var algorithms: [MismatchSearch.Change] {
        SignatureField.Algorithm.allCases.filter { $0 != .ed25519 }.map { name in
            MismatchSearch.Change(axis: algorithm, words: "the algorithm is \(name.rawValue)") {
                $0.with { scheme in
                    guard scheme.signatures.contains(where: { $0.algorithm != name }) else { return false }
                    for place in scheme.signatures.indices { scheme.signatures[place].algorithm = name }
                    return true
                }
            }
        }
    }

    private static var contents: [MismatchSearch.Change] {
        [
            MismatchSearch.Change(axis: content, words: "`public_url` begins with http:// instead of https://") {
                replacingScheme("https://", by: "http://", $0)
            },
            MismatchSearch.Change(axis: content, words: "`public_url` begins with https:// instead of http://") {
                replacingScheme("http://", by: "https://", $0)
            },
            MismatchSearch.Change(axis: content, words: "the URL ends with a slash") {
                guard !$0.fields.contains(where: { $0.name == Array(RequestHead.pathToken.utf8) }) else { return nil }
                return signingURL($0) { $0.verification.source += "/" }
            },
            MismatchSearch.Change(axis: content, words: "the URL is signed without its query") {
                signingURL($0) { $0.fields.removeAll { $0.name == Array(RequestHead.query.utf8) } }
            },
            MismatchSearch.Change(axis: content, words: "the body alone is signed") { signing([.body], $0) },
            MismatchSearch.Change(axis: content, words: "time stamp, dot and body are signed") {
                signing([.timestamp, .literal("."), .body], $0)
            },
            MismatchSearch.Change(axis: content, words: "time stamp and body are signed without a dot between them") {
                signing([.timestamp, .body], $0)
            },
        ]
    }

    private static func isSignature(_ trial: MismatchSearch.Trial) -> ([UInt8]) -> Bool {
        guard case .signature(let scheme) = trial.verification.scheme.proof else { return { _ in false } }
        let names = scheme.signatures.map { Array($0.field.utf8) }
        return { names.contains($0) }
    }

    private static func encoded(
        _ encoding: SignatureField.Encoding, _ trial: MismatchSearch.Trial
    ) -> MismatchSearch.Trial? {
        trial.with { scheme in
            guard scheme.signatures.contains(where: { $0.encoding != encoding }) else { return false }
            for place in scheme.signatures.indices { scheme.signatures[place].encoding = encoding }
            return true
        }
    }

    private static func prefixed(_ prefix: String, _ trial: MismatchSearch.Trial) -> MismatchSearch.Trial? {
        trial.with { scheme in
            guard scheme.signatures.contains(where: { $0.prefix != prefix }) else { return false }
            for place in scheme.signatures.indices { scheme.signatures[place].prefix = prefix }
            return true
        }
    }

    private static func signing(_ content: [ContentPart], _ trial: MismatchSearch.Trial) -> MismatchSearch.Trial? {
        trial.with { scheme in
            guard scheme.content != content, scheme.timestamp != nil || !content.contains(.timestamp) else {
                return false
            }
            scheme.content = content
            return true
        }
    }

    private static func signingURL(
        _ trial: MismatchSearch.Trial, _ change: (inout MismatchSearch.Trial) -> Void
    ) -> MismatchSearch.Trial? {
        guard case .signature(let scheme) = trial.verification.scheme.proof, scheme.content.contains(.url) else {
            return nil
        }
        var changed = trial
        change(&changed)
        return changed
    }

    private static func replacingScheme(
        _ old: String, by new: String, _ trial: MismatchSearch.Trial
    ) -> MismatchSearch.Trial? {
        guard trial.verification.publicURL.hasPrefix(old) else { return nil }
        return signingURL(trial) {
            $0.verification.publicURL = new + $0.verification.publicURL.dropFirst(old.count)
        }
    }
}
