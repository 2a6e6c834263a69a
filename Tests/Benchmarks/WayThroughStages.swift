import Events
import Gzip
import Normalisation
import Primitives
import Verification
import VerificationSchemes
import Wire

/// One webhook on its way through verifier and normaliser, again and again. Does per record what both stages do
/// (`Services/Verifier/VerifierStage.swift`, `Services/Normaliser/NormaliserStage.swift`); they are in executables, which
/// nothing but tests can import.
final class WayThroughStages {
    private let benchmark: BenchmarkCase
    private let accepted: [UInt8]
    private let names: ByteIndex
    private let verifier: SourceVerifier
    private let normaliser: any WebhookNormaliser
    private var verified = ByteWriter()
    private var normalised = ByteWriter()

    init(_ benchmark: BenchmarkCase) {
        self.benchmark = benchmark
        accepted = benchmark.record()
        names = ByteIndex([Array(benchmark.verification.source.utf8)])
        verifier = SourceVerifier(
            benchmark.verification, inflater: Inflater(maxInflatedBytes: 2 * BenchmarkCase.maxBodyBytes))
        normaliser = benchmark.provider.makeNormaliser(benchmark.options)
    }

    /// What the normaliser made of it, when it went through.
    var record: [UInt8] { normalised.bytes }

    /// Once through both stages.
    func go() {
        verified.bytes.removeAll(keepingCapacity: true)
        normalised.bytes.removeAll(keepingCapacity: true)
        let outcome = accepted.withUnsafeBytes { verify($0) } ?? verified.bytes.withUnsafeBytes { normalise($0) }
        // A release build keeps the sentence of this one.
        if outcome != benchmark.refusal { fatalError("\(benchmark.name) came to \(outcome?.rawValue ?? "events")") }
    }

    /// Why the verifier refuses the record; nil where `verified` holds what it passes on.
    private func verify(_ record: UnsafeRawBufferPointer) -> RejectionCode? {
        guard let view = try? EnvelopeView(record), names.place(of: view.sourceBytes) != nil,
            let webhook = AcceptedWebhook(view)
        else { return .envelopeDamaged }
        verified.raw(record)
        switch verifier.verify(webhook, into: &verified) {
        case .verified: return nil
        case .refused(let code, _): return code
        case .answered: preconditionFailure("no benchmark is a handshake")
        }
    }

    private func normalise(_ record: UnsafeRawBufferPointer) -> RejectionCode? {
        guard let view = try? EnvelopeView(record), names.place(of: view.sourceBytes) != nil,
            let webhook = VerifiedWebhook(view)
        else { return .envelopeDamaged }
        normalised.raw(record)
        switch normaliser.normalise(webhook, into: &normalised) {
        case .passed, .answered: return nil
        case .passedExcept(let rejections): return rejections.first?.code
        case .refused(let rejection): return rejection.code
        }
    }
}
