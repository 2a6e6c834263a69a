import Primitives
import VerificationSchemes
import Wire

/// What goes wrong with secrets.
enum KeyChanges {
    private static let axis = 1

    static var all: [MismatchSearch.Change] {
        let changes: [(String, (MismatchSearch.Trial) -> MismatchSearch.Trial?)] = [
            ("the secret is used as text instead of being base64-decoded", asText),
            (
                "the secret is used as text with its prefix `whsec_`",
                { form($0) == .standardWebhooks ? prefixed($0) : nil }
            ),
            ("the secret's hexadecimal digits are used as text", { form($0) == .hex ? hexadecimalText($0) : nil }),
            (
                "the secret is base64-decoded",
                { trial in
                    isText(trial) ? trial.withKeys { Base64.decode(unpadded: StandardWebhooksKey($0).base64) } : nil
                }
            ),
            (
                "the secret is decoded from hexadecimal digits",
                { trial in
                    isText(trial) ? trial.withKeys { Hexadecimal.decode($0) } : nil
                }
            ),
            ("the spaces, line breaks or quotes around the secret are taken away", { $0.withKeys(trimmed) }),
            ("a line break is added to the secret", { $0.withKeys { $0 + [UInt8(ascii: "\n")] } }),
            ("a secret is used that did not count at that time", everValid),
            ("another secret of this source is used than the one that the request names", anyKey),
        ]
        return changes.map { MismatchSearch.Change(axis: axis, words: $0.0, apply: $0.1) }
    }

    private static func form(_ trial: MismatchSearch.Trial) -> KeyForm? {
        if case .signature(let scheme) = trial.verification.scheme.proof { scheme.keyForm } else { nil }
    }

    private static func isText(_ trial: MismatchSearch.Trial) -> Bool {
        switch trial.verification.scheme.proof {
        case .signature(let scheme): scheme.keyForm == .text
        case .jwt, .token: true
        case .none: false
        }
    }

    private static func asText(_ trial: MismatchSearch.Trial) -> MismatchSearch.Trial? {
        switch form(trial) {
        case .base64, .standardWebhooks: trial.withKeys(base64Text)
        default: nil
        }
    }

    private static func prefixed(_ trial: MismatchSearch.Trial) -> MismatchSearch.Trial? {
        trial.withKeys { Array(StandardWebhooksKey.text(.shared, $0).utf8) }
    }

    private static func hexadecimalText(_ trial: MismatchSearch.Trial) -> MismatchSearch.Trial? {
        trial.withKeys { Array($0.withUnsafeBytes { Hexadecimal.encode($0) }.utf8) }
    }

    private static func base64Text(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.withUnsafeBytes { Base64.encode($0) }.utf8)
    }

    private static func trimmed(_ bytes: [UInt8]) -> [UInt8]? {
        let around = Array(" \t\r\n\"'".utf8)
        var rest = bytes[...]
        while let first = rest.first, around.contains(first) { rest.removeFirst() }
        while let last = rest.last, around.contains(last) { rest.removeLast() }
        return Array(rest)
    }

    private static func everValid(_ trial: MismatchSearch.Trial) -> MismatchSearch.Trial? {
        guard trial.verification.keys.keys.contains(where: { $0.validity != .always }) else { return nil }
        var changed = trial
        changed.verification.keys = SourceKeys(
            trial.verification.keys.keys.map { SourceKey(id: $0.id, bytes: $0.bytes, isPublic: $0.isPublic) })
        return changed
    }

    private static func anyKey(_ trial: MismatchSearch.Trial) -> MismatchSearch.Trial? {
        if case .jwt(var scheme) = trial.verification.scheme.proof, scheme.keyName != nil {
            scheme.issuerNamesKey = false
            scheme.keyParameter = nil
            var changed = trial
            changed.verification.scheme.proof = .jwt(scheme)
            return changed
        }
        return trial.with { scheme in
            guard scheme.keyField != nil else { return false }
            scheme.keyField = nil
            return true
        }
    }
}

/// What goes wrong with the time.
enum TimeChanges {
    private static let axis = 0

    static var all: [MismatchSearch.Change] {
        [
            MismatchSearch.Change(axis: axis, words: "the time stamp is read in the other unit (seconds, milliseconds)")
            {
                $0.with { scheme in
                    guard let unit = scheme.timestamp?.unit, scheme.toleranceSeconds != nil else { return false }
                    scheme.timestamp?.unit = unit == .seconds ? .milliseconds : .seconds
                    return true
                }
            },
            MismatchSearch.Change(
                axis: axis, words: "its age is not looked at: the clocks differ, or it was kept before it was sent"
            ) { trial in
                if case .jwt(var scheme) = trial.verification.scheme.proof {
                    scheme.leewaySeconds = 1_000_000_000
                    var changed = trial
                    changed.verification.scheme.proof = .jwt(scheme)
                    return changed
                }
                return trial.with { scheme in
                    guard scheme.toleranceSeconds != nil else { return false }
                    scheme.toleranceSeconds = nil
                    return true
                }
            },
        ]
    }
}
