import PipelineConfiguration
import VerificationSchemes

/// What the log says about the sources when the verifier starts: how each is verified, and what is weak about it.
enum SourceNotices {
    struct Notice: Equatable {
        var isWarning: Bool
        var sentence: String
    }

    static func of(_ sources: [SourceConfiguration], _ verifications: [SourceVerification]) -> [Notice] {
        zip(sources, verifications).flatMap { source, verification in
            [notice(source, verification)] + weaknesses(verification)
        }
    }

    private static func notice(_ source: SourceConfiguration, _ verification: SourceVerification) -> Notice {
        if verification.isUnverified {
            return Notice(
                isWarning: true,
                sentence: "source \(source.name) is not verified (verification: none): anyone who knows the URL can "
                    + "send events")
        }
        let labels = (verification.keys.keys + (verification.pathTokens?.keys ?? [])).map(\.label)
        let keys = labels.isEmpty ? "" : "; keys \(labels.joined(separator: ", "))"
        return Notice(
            isWarning: false, sentence: "source \(source.name) is verified by \(source.schemeText)\(keys)")
    }

    private static func weaknesses(_ verification: SourceVerification) -> [Notice] {
        verification.weakKeys.map { key in
            Notice(
                isWarning: true,
                sentence: "source \(verification.source): key \(key.label) has \(key.bytes.count) bytes, which can be "
                    + "guessed; use at least \(SourceVerification.strongKeyBytes)")
        }
    }
}
