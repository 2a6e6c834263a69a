import AdminServer
import Events
import Executable
import JSON
import PipelineConfiguration
import StageMetrics
import StageProcess
import Synchronization
import VerificationSchemes
import Wire

/// Says what the verifier would make of webhooks, with the keys that are in use: the admin route `POST /rehearse`, for dry
/// runs of a replay. Nothing is sent on, stored or counted.
///
/// It takes what an ingress takes at `POST /replay` under `webhooks`, and answers `{"answers": […]}` in their order, each
/// `{"verified": true, "scheme", "key"}` or `{"verified": false, "code", "detail"}`.
///
/// `@unchecked Sendable`: `work` is touched under `lock` only.
final class Rehearsal: @unchecked Sendable {
    private let lock = Mutex(())
    /// The same as on the bus, former keys included, with metrics that nobody reads.
    private var work: VerifierWork
    private let maxBodyBytes: Int

    init(_ box: VersionedBox<[SourceVerification]>, maxBodyBytes: Int) {
        let registry = MetricRegistry(stage: "verifier", instance: "rehearsal", version: TributaryVersion.current)
        work = VerifierWork(box, registry, maxInflatedBytes: 2 * maxBodyBytes)
        self.maxBodyBytes = maxBodyBytes
    }

    /// Takes over new keys, and remembers the former ones as the bus does.
    func reload() {
        lock.withLock { _ in work.betweenBatches() }
    }

    var route: AdminRoute {
        // As much as an ingress takes: base64 makes four bytes of three.
        AdminRoute(
            method: "POST", pathPrefix: "/rehearse", maxBodyBytes: max(8 << 20, maxBodyBytes / 3 * 4 + (1 << 20))
        ) { [self] in rehearse($0) }
    }

    func rehearse(_ request: AdminRequest) -> AdminReply {
        let wanted = JSONValue.read(request.body)?["webhooks"].elements ?? []
        let webhooks = wanted.compactMap(LocalRecord.Webhook.init(replay:))
        guard !wanted.isEmpty, webhooks.count == wanted.count else {
            return .error(
                400, "rehearsal_malformed",
                "expected {\"webhooks\": [{\"source\", \"received_at_ns\", \"head\": [[name, value]], \"body_base64\", "
                    + "\"replay_of\": {\"journal\", \"sequence\"}, \"elements\": [index]}]}")
        }
        return .json(200, .object(["answers": .array(webhooks.map(judge))]))
    }

    private func judge(_ webhook: LocalRecord.Webhook) -> JSONText {
        guard var record = LocalRecord(webhook) else {
            return Self.refusal(.envelopeDamaged, "a header field is longer than 65535 bytes")
        }
        lock.withLock { _ in
            work.betweenBatches()
            _ = record.pass { view, writer in work.process(view, appendingTo: &writer) }
        }
        return record.withView { view in
            if let rejection = view.section(.rejection).flatMap({ try? Rejection(section: $0) }) {
                return Self.refusal(rejection.code, rejection.detail)
            }
            let proof = view.section(.verification).flatMap { try? Verification(section: $0) }
            return .object([
                "verified": .bool(true), "scheme": .string(proof?.scheme ?? ""),
                "key": .string(proof?.keyID ?? ""),
            ])
        }
    }

    private static func refusal(_ code: RejectionCode, _ detail: String) -> JSONText {
        .object(["verified": .bool(false), "code": .string(code.rawValue), "detail": .string(detail)])
    }
}
