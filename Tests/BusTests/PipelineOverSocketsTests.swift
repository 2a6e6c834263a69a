import Bus
import Foundation
import StageMetrics
import Synchronization
import Testing
import Wire

/// A journal that is only memory: hands records to the bus and notes what the bus says of them.
final class MemoryJournal: IngressBusDelegate {
    struct State {
        var answers: [UInt64: Verdict?] = [:]
        var watermark: UInt64 = 0
        var frames: [[UInt8]] = []
        var givenUp: [UInt64] = []
    }

    let id: JournalID
    let state = Mutex(State())
    let bus = Mutex<IngressBus?>(nil)

    init(id: JournalID = .random()) { self.id = id }

    func answer(_ answers: [AnswerRange]) {
        state.withLock { state in
            for answer in answers {
                for sequence in answer.sequences.first...answer.sequences.last {
                    precondition(state.answers.updateValue(answer.verdict, forKey: sequence) == nil)
                }
            }
        }
    }

    func settled(through watermark: UInt64) { state.withLock { $0.watermark = watermark } }

    func readBack(from sequence: UInt64, maxRecords: Int, maxBytes: Int) {
        let batches = state.withLock { state in
            state.frames.enumerated().dropFirst(Int(sequence) - 1).prefix(maxRecords).map {
                RecordBatch(stored: $0.element, first: UInt64($0.offset) + 1, count: 1)
            }
        }
        bus.withLock { $0?.loaded(batches) }
    }

    func renumber() {}
    func gaveUp(sequence: UInt64) { state.withLock { $0.givenUp.append(sequence) } }

    /// Appends `count` records and hands them over as one commit.
    func append(_ count: Int, payloadBytes: Int = 200) {
        let batch = state.withLock { state in
            let first = UInt64(state.frames.count) + 1
            for offset in 0..<count {
                state.frames.append(sealedRecord(id, first + UInt64(offset), payloadBytes: payloadBytes))
            }
            return RecordBatch(stored: state.frames.suffix(count).flatMap { $0 }, first: first, count: count)
        }
        bus.withLock { $0?.journaled([batch]) }
    }
}

/// One length-prefixed, sealed envelope.
func sealedRecord(_ journal: JournalID, _ sequence: UInt64, payloadBytes: Int = 16) -> [UInt8] {
    var writer = ByteWriter()
    Array("stream".utf8).withUnsafeBytes { source in
        writer.openEnvelope(source: source, receivedAtNanoseconds: 1) { envelope in
            envelope.section(.body) { $0.raw([UInt8](repeating: 7, count: payloadBytes)) }
        }
    }
    writer.bytes.withUnsafeMutableBytes { bytes in
        EnvelopePatch.seal(UnsafeMutableRawBufferPointer(rebasing: bytes[4...]), journal: journal, sequence: sequence)
    }
    return writer.bytes
}

/// A log that is only memory, and commits at once.
final class MemoryLog: RouterBusDelegate {
    let sequences = Mutex<[JournalID: [UInt64]]>([:])
    /// What came last.
    let last = Mutex<RecordBatch?>(nil)
    let bus = Mutex<RouterBus?>(nil)

    func received(_ batches: [RecordBatch]) {
        for batch in batches {
            guard let journal = batch.journal else { preconditionFailure("a batch for the log names its journal") }
            sequences.withLock { $0[journal, default: []] += Array(batch.first...batch.last) }
            last.withLock { $0 = batch }
            bus.withLock { $0?.committed([(journal, batch.last)]) }
        }
    }

    func watermarkForced(journal: JournalID, to watermark: UInt64) {}
    func refused(journal: JournalID, reason: String) {}
}

/// Passes everything; refuses every tenth record when it is a verifier.
struct EchoWork: StageWork {
    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict? {
        record.sequence.isMultiple(of: 10) ? Verdict(httpStatus: 401, code: "signature_mismatch") : .accepted
    }
    mutating func betweenBatches() {}
}

/// Waits until something that stays holds. The limit ends only tests that fail, so it is far more than a busy machine
/// needs.
func waitUntil(_ condition: () -> Bool) -> Bool {
    let end = monotonicNanoseconds() + 180_000_000_000
    while monotonicNanoseconds() < end {
        if condition() { return true }
        usleep(2000)
    }
    return condition()
}

struct Deployment {
    let directory: URL
    let journal = MemoryJournal()
    let log = MemoryLog()
    let ingress: IngressBus
    let router: RouterBus
    var workers: [WorkerBus] = []
    let metrics = MetricRegistry(stage: "test", instance: "test", version: "0")

    /// Records that the ingress sent more than once.
    var resends: Int { metrics.counter("tributary_resends_total", help: "").value }

    init(
        verifiers: Int, normalisers: Int, windowRecords: Int = 16_384, topology: (StageRole) -> Topology? = { _ in nil }
    ) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "bus-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let path = directory.path
        func place(_ role: StageRole) -> RunDirectory { RunDirectory(path: path, topology: topology(role)) }
        ingress = IngressBus(
            settings: IngressBusSettings(
                runDirectory: place(.ingress), instance: "ingress-gateway-0", maxBodyBytes: 1 << 20,
                windowRecords: windowRecords,
                // However busy the machine is, no answer goes out before its verdict.
                verdictTimeoutNanoseconds: 180_000_000_000),
            journal: journal.id, firstRetained: 1, nextSequence: 1, metrics: metrics,
            refusals: LinkRefusals(metrics))
        router = RouterBus(
            settings: RouterBusSettings(
                runDirectory: place(.router), instance: "fanout-router-0", maxBodyBytes: 1 << 20),
            bootID: 1, watermarks: [:], metrics: metrics, refusals: LinkRefusals(metrics))
        for (role, count) in [(StageRole.verifier, verifiers), (.normaliser, normalisers)] {
            for index in 0..<count {
                let settings = WorkerSettings(
                    role: role, runDirectory: place(role), instance: "\(role)-\(index)", maxBodyBytes: 1 << 20)
                workers.append(WorkerBus(settings: settings, metrics: metrics, refusals: LinkRefusals(metrics)))
            }
        }
        journal.bus.withLock { [ingress] in $0 = ingress }
        log.bus.withLock { [router] in $0 = router }
    }

    func start() {
        router.start(delegate: log)
        for worker in workers { worker.start { EchoWork() } }
        ingress.start(delegate: journal)
    }

    func end() {
        ingress.stop()
        for worker in workers { worker.stop() }
        router.stop()
    }

    func stop() {
        end()
        try? FileManager.default.removeItem(at: directory)
    }
}

@Suite(.serialized) struct PipelineOverSocketsTests {
    @Test func `twenty thousand records through two verifiers and four normalisers arrive once and in order`() throws {
        let deployment = try Deployment(verifiers: 2, normalisers: 4)
        deployment.start()
        defer { deployment.stop() }
        let journal = deployment.journal
        for _ in 0..<200 { journal.append(100) }
        #expect(waitUntil { journal.state.withLock { $0.watermark } == 20_000 })
        #expect(deployment.log.sequences.withLock { $0[journal.id] } == Array(1...20_000))
        #expect(waitUntil { journal.state.withLock { $0.answers.count } == 20_000 })
        #expect(journal.state.withLock { $0.givenUp }.isEmpty)
    }

    @Test func `a wrong signature is answered with the verifier's verdict`() throws {
        let deployment = try Deployment(verifiers: 1, normalisers: 1)
        deployment.start()
        defer { deployment.stop() }
        #expect(waitUntil { deployment.ingress.isLinked })
        #expect(waitUntil { deployment.workers[1].linkedUpstreams == 1 })
        for count in 1...20 {
            deployment.journal.append(1)
            #expect(waitUntil { deployment.journal.state.withLock { $0.answers.count } == count })
        }
        let answers = deployment.journal.state.withLock { $0.answers }
        #expect(answers[10] == .some(Verdict(httpStatus: 401, code: "signature_mismatch")))
        #expect(answers[11] == .some(.accepted))
    }

    @Test func `what does not fit into the window is read back from the journal`() throws {
        let deployment = try Deployment(verifiers: 1, normalisers: 2, windowRecords: 64)
        for _ in 0..<50 { deployment.journal.append(100) }
        deployment.start()
        defer { deployment.stop() }
        #expect(waitUntil { deployment.journal.state.withLock { $0.watermark } == 5_000 })
        #expect(deployment.log.sequences.withLock { $0[deployment.journal.id] } == Array(1...5_000))
    }

    @Test func `a stage that ends in order takes its sockets away`() throws {
        let deployment = try Deployment(verifiers: 1, normalisers: 1)
        defer { try? FileManager.default.removeItem(at: deployment.directory) }
        deployment.start()
        deployment.journal.append(10)
        #expect(waitUntil { deployment.journal.state.withLock { $0.watermark } == 10 })
        deployment.end()
        #expect(try FileManager.default.contentsOfDirectory(atPath: deployment.directory.path).isEmpty)
    }

    @Test func `a worker that ends in order leaves nothing to be sent again`() throws {
        let deployment = try Deployment(verifiers: 1, normalisers: 2)
        deployment.start()
        defer { deployment.stop() }
        let journal = deployment.journal
        for _ in 0..<40 { journal.append(50) }
        deployment.workers[1].stop()
        for _ in 0..<40 { journal.append(50) }
        #expect(waitUntil { journal.state.withLock { $0.watermark } == 4_000 })
        #expect(deployment.resends == 0)
    }

    @Test func `without a verifier every webhook is answered at once`() throws {
        let deployment = try Deployment(verifiers: 0, normalisers: 0)
        deployment.start()
        defer { deployment.stop() }
        deployment.journal.append(10)
        #expect(waitUntil { deployment.journal.state.withLock { $0.answers.count } == 10 })
        #expect(deployment.journal.state.withLock { $0.answers }.values.allSatisfy { $0 == nil })
    }
}
