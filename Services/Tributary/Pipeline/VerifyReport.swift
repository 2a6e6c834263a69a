import Events
import Executable
import Gzip
import JSON
import LibCrypto
import Primitives
import Providers
import Verification
import VerificationSchemes

/// What verification of one webhook came to, for people and for programs. Holds no secret and no signature that would
/// have been right.
struct VerifyReport {
    let provider: String
    let explanation: VerificationExplanation
    /// The ingress answers it before anything is verified.
    let isProbe: Bool
    let body: SentBytes
    /// Sentences about secrets that are easily got wrong.
    let warnings: [String]
    /// What would make it genuine, likeliest first.
    let likelyCauses: [String]

    /// What was read from the file or standard input.
    struct SentBytes {
        let byteCount: Int
        let sha256: String
        let isCompressed: Bool

        init(_ bytes: [UInt8]) {
            byteCount = bytes.count
            sha256 = bytes.withUnsafeBytes { SHA256Digest.of($0) }.withUnsafeBytes { Hexadecimal.encode($0) }
            isCompressed = bytes.withUnsafeBytes { Inflater.isCompressed($0) }
        }
    }

    init(
        _ source: ResolvedSource, _ webhook: LocalRecord.Webhook, maxInflatedBytes: Int, isJudgedNow: Bool
    ) throws(StageFailure) {
        guard let record = LocalRecord(webhook) else {
            throw StageFailure(.usage, "header_too_long: a header field is longer than 65535 bytes")
        }
        provider = source.provider.name
        body = SentBytes(webhook.body)
        isProbe = record.withWebhook { source.provider.isProbe(head: $0.head, body: $0.body) }
        let verification = source.verification
        explanation = record.withWebhook {
            VerificationExplanation(verification, $0, maxInflatedBytes: maxInflatedBytes)
        }
        warnings = source.warnings
        likelyCauses = Self.causes(explanation, isJudgedNow: isJudgedNow)
    }

    var isGenuine: Bool { isProbe || explanation.isVerified }

    var isHandshake: Bool { explanation.isHandshake }

    /// One line that says it, then the steps, what was signed, and what may be the cause.
    var text: String {
        var lines = [verdict, ""]
        var table = Table(["  CHECK", "ANSWER", ""])
        for step in steps {
            table.add(["  \(step.name)", step.answer.rawValue.replacing("_", with: " "), step.seen])
        }
        if !steps.isEmpty { lines += [table.text, ""] }
        lines.append("  body    \(body.byteCount) bytes\(body.isCompressed ? " of gzip" : ""), SHA-256 \(body.sha256)")
        if let signed = explanation.signed {
            lines.append("  signed  \(signed.byteCount) bytes, SHA-256 \(signed.sha256)")
            lines.append("          \(printable(signed.template))")
        }
        if let causes { lines += ["", "likely cause"] + causes.map { "  \(printable($0))" } }
        if !warnings.isEmpty { lines += ["", "warning"] + warnings.map { "  \(printable($0))" } }
        return lines.joined(separator: "\n")
    }

    /// A handshake comes before there is anything signed, and a probe before anything is looked at.
    private var steps: [VerificationExplanation.Step] { isHandshake || isProbe ? [] : explanation.steps }

    private var verdict: String {
        if isHandshake {
            return "handshake: \(provider) asks for a proof that the secret is known; the verifier gives it"
        }
        if isProbe { return "probe: \(provider) asks whether the URL answers; the ingress says yes to anybody" }
        guard let code = explanation.code else {
            let key = explanation.keyID.map { ", key \(printable($0))" } ?? ""
            return explanation.scheme == VerificationScheme.none.name
                ? "unverified: nothing is asked of \(provider), so anybody could have sent it"
                : "genuine: \(explanation.scheme)\(key)"
        }
        return "refused: \(code.rawValue)"
    }

    private static func causes(_ explanation: VerificationExplanation, isJudgedNow: Bool) -> [String] {
        let ageCodes: [RejectionCode] = [.timestampOutsideTolerance, .tokenExpired]
        guard let code = explanation.code else { return [] }
        let isOld = isJudgedNow && ageCodes.contains(code)
        let hint = "it was captured earlier: name the time of its receipt with --at"
        return (isOld ? [hint] : []) + explanation.likelyCauses
    }

    /// Nil where there is nothing to explain.
    private var causes: [String]? {
        guard !isGenuine, explanation.signed != nil || !likelyCauses.isEmpty else { return nil }
        if !likelyCauses.isEmpty { return likelyCauses }
        return [
            "none of the usual mistakes explains it: the secret belongs to another webhook, or the body is not byte for "
                + "byte what was signed"
        ]
    }

    var json: JSONText {
        let steps = steps.map { step in
            JSONText.object([
                "check": .string(step.name), "answer": .string(step.answer.rawValue), "seen": .string(step.seen),
            ])
        }
        return .object([
            "verified": .bool(isGenuine),
            "code": .optional(isProbe ? nil : explanation.code) { .string($0.rawValue) },
            "provider": .string(provider),
            "scheme": .string(explanation.scheme),
            "key": .optional(explanation.keyID, JSONText.string),
            "probe": .bool(isProbe),
            "handshake": .bool(isHandshake),
            "checks": .array(steps),
            "body": .object([
                "bytes": .number(body.byteCount), "sha256": .string(body.sha256),
                "gzip": .bool(body.isCompressed),
            ]),
            "signed": .optional(explanation.signed) { signed in
                .object([
                    "bytes": .number(signed.byteCount), "sha256": .string(signed.sha256),
                    "template": .string(signed.template),
                ])
            },
            "likely_causes": .array(likelyCauses.map(JSONText.string)),
            "warnings": .array(warnings.map(JSONText.string)),
        ])
    }
}
