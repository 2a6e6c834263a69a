import Bus
import CommitLog
import Foundation
import Glibc
import HTTPFront
import Journal
import PipelineConfiguration
import Primitives
import Providers
import StageMetrics
import Synchronization
import Threads
import WebhookIntake
import Wire

@testable import IngressGateway

/// A bus that answers as it is told and settles nothing unless asked.
final class FakeBus: BusPort {
    private struct State {
        var batches: [RecordBatch] = []
        var loaded: [RecordBatch] = []
        var renumbered: (JournalID, UInt64, UInt64)?
        var verdicts: [UInt64: Verdict] = [:]
        var holdsAnswers = false
        /// The verdict on a webhook by what it is.
        var judge: (@Sendable (Webhook) -> Verdict)?
    }

    private let state = Mutex(State())
    private let delegate: BusDelegate
    let isLinked = false

    init(_ delegate: BusDelegate) {
        self.delegate = delegate
    }

    func journaled(_ batches: [RecordBatch]) {
        let (answers, judged) = state.withLock { state -> ([AnswerRange], [VerdictNotice.Entry]) in
            state.batches += batches
            if let judge = state.judge {
                for webhook in Self.webhooks(of: batches) { state.verdicts[webhook.sequence] = judge(webhook) }
            }
            if state.holdsAnswers { return ([], []) }
            let sequences = batches.flatMap { $0.first..<$0.first + UInt64($0.count) }
            return (
                sequences.map { AnswerRange(sequences: SequenceRange($0, $0), verdict: state.verdicts[$0]) },
                sequences.compactMap { sequence in
                    state.verdicts[sequence].map { .init(sequences: SequenceRange(sequence, sequence), verdict: $0) }
                }
            )
        }
        delegate.judged(judged)
        delegate.answer(answers)
    }

    func loaded(_ batches: [RecordBatch]) { state.withLock { $0.loaded += batches } }

    func renumbered(id: JournalID, firstRetained: UInt64, nextSequence: UInt64) {
        state.withLock { $0.renumbered = (id, firstRetained, nextSequence) }
    }

    func stop() {}

    var batches: [RecordBatch] { state.withLock { $0.batches } }
    var loadedBatches: [RecordBatch] { state.withLock { $0.loaded } }
    var renumbering: (JournalID, UInt64, UInt64)? { state.withLock { $0.renumbered } }
    func holdAnswers(_ holds: Bool) { state.withLock { $0.holdsAnswers = holds } }
    func judge(_ sequence: UInt64, _ verdict: Verdict) { state.withLock { $0.verdicts[sequence] = verdict } }
    func judge(by verdict: @escaping @Sendable (Webhook) -> Verdict) { state.withLock { $0.judge = verdict } }
    func answer(_ first: UInt64, _ last: UInt64) {
        delegate.answer([AnswerRange(sequences: SequenceRange(first, last), verdict: nil)])
    }
    var busDelegate: BusDelegate { delegate }

    /// Every journaled webhook as (sequence, source, header fields, body).
    var webhooks: [Webhook] { Self.webhooks(of: batches) }

    private static func webhooks(of batches: [RecordBatch]) -> [Webhook] {
        batches.flatMap { batch in
            batch.indices.compactMap { index in
                batch.withRecord(index) { (try? EnvelopeView($0)).map(Webhook.init) }
            }
        }
    }
}

/// A journaled webhook in plain types.
struct Webhook {
    var sequence: UInt64
    var source: String
    var fields: [String: String] = [:]
    var body: String
    var hasTraceContext: Bool
    var isIntact: Bool
    var replayOf: [UInt8]?

    init(_ view: EnvelopeView) {
        sequence = view.sequence
        source = view.source
        isIntact = view.isIntact
        body = view.section(.body).map { String(decoding: $0, as: UTF8.self) } ?? "?"
        hasTraceContext = view.section(.traceContext) != nil
        replayOf = view.section(.replayOf).map { Array($0) }
        var fields: [String: String] = [:]
        view.section(.requestHead).map(RequestHead.init)?.forEachField { name, value in
            fields[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
            return true
        }
        self.fields = fields
    }
}

/// A whole ingress on a free port with a real journal and a fake bus.
final class TestIngress {
    let ingress: Ingress<FakeBus>
    let folder: String
    /// What it started with.
    let settings: IngressSettings
    private let reports: Reports
    private let registry = MetricRegistry(
        stage: "ingress-gateway", instance: "ingress-gateway-0", version: "test")
    private var isStopped = false

    final class Reports: Sendable {
        let sentences = Mutex<[String]>([])
        let failures = Mutex<[LogError]>([])
    }

    init(
        limits: IngressLimits = IngressLimits(),
        journal: SegmentLog.Options = .init(budgetBytes: 64 << 20, recordBytes: (1 << 20) + (64 << 10)),
        isProbe: ProbeCheck? = nil,
        eventLoops: Int = 1, trustedProxies: [String] = [], tls: ListenerTLS? = nil,
        quotas: QuotaSettings = QuotaSettings(), answer: SuccessAnswer? = nil, routers: Int = 1
    ) throws {
        var template = Array("/tmp/tributary-ingress-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary folder can be made") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        folder = path
        let reports = Reports()
        self.reports = reports
        let sources = [
            SourceRoute(name: "stream", isProbe: nil),
            SourceRoute(name: "fishjam", isProbe: nil, router: routers - 1),
            SourceRoute(name: "fastpix", isProbe: isProbe, answer: answer),
            SourceRoute(
                name: "calls", isProbe: nil, answer: StreamCallsProvider.answer,
                endpoint: StreamCallsProvider.endpoint, bodyBytes: 64),
        ]
        settings = IngressSettings(
            instance: "ingress-gateway-0", limits: limits, sources: sources,
            socket: .bind(host: "127.0.0.1", port: 0, sharesPort: true),
            trustedProxies: trustedProxies.compactMap { IPNetwork($0) }, tls: tls, quotas: quotas,
            eventLoops: eventLoops)
        ingress = try Ingress<FakeBus>(
            settings,
            intakes: (0..<routers).map { IntakePartition($0, of: routers) }, registry: registry,
            openJournal: { try Journal(path: JournalFolders.path(path, $0.number, of: routers), journal) },
            connect: { FakeBus($2) },
            report: { sentence in reports.sentences.withLock { $0.append(sentence) } },
            failed: { error in reports.failures.withLock { $0.append(error) } })
    }

    var bus: FakeBus { bus(0) }
    func bus(_ router: Int) -> FakeBus { ingress.running[router].bus }
    var metrics: String { registry.render() }
    var failures: [LogError] { reports.failures.withLock { $0 } }
    var sentences: [String] { reports.sentences.withLock { $0 } }

    func connect(timeoutSeconds: Int = 10) -> Client {
        Client(port: ingress.port, timeoutSeconds: timeoutSeconds)
    }

    func stopOnAnotherThread(_ stopped: Promise<Void>) {
        isStopped = true
        let ingress = ingress
        BlockingThread(name: "stop") { stopped.give(Result { try ingress.stop() }) }
    }

    deinit {
        if !isStopped { try? ingress.stop() }
        try? FileManager.default.removeItem(atPath: folder)
    }
}

extension SegmentLog.Options {
    /// Of a journal that is full after some webhooks.
    static let small = SegmentLog.Options(segmentBytes: 4 * 4096, mostSegments: 3, recordBytes: 4000)
}

extension TestIngress {
    /// Sends webhooks until the journal takes no more; how many it took.
    @discardableResult func fill(_ client: Client, _ body: String) -> Int {
        var taken = 0
        while taken < 100 {
            client.send(post(body: body))
            guard client.answer()?.status == 202 else { return taken }
            taken += 1
        }
        return taken
    }
}

/// A client that sends raw bytes over a blocking socket.
final class Client {
    private let descriptor: Int32
    private var received: [UInt8] = []
    private(set) var isAtEnd = false

    /// `from`: the own address, where it is to be another one of this machine.
    init(port: Int, timeoutSeconds: Int = 10, from own: String? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if let own {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            inet_pton(AF_INET, own, &address.sin_addr)
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            precondition(result == 0, "the machine has the address \(own)")
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(result == 0, "the ingress under test listens")
    }

    deinit {
        close(descriptor)
    }

    /// Sends all bytes; false when the other side does not take them any more.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The next answer; nil at the end of the connection.
    func answer() -> HTTPAnswer? {
        while true {
            if let (answer, length) = HTTPAnswer.parse(received) {
                received.removeFirst(length)
                return answer
            }
            guard readMore() else { return nil }
        }
    }

    /// Every answer until the connection ends.
    func answersToEnd() -> [HTTPAnswer] {
        var answers: [HTTPAnswer] = []
        while let answer = answer() { answers.append(answer) }
        return answers
    }

    /// Whether the other side has closed and nothing is left.
    func endsNow() -> Bool {
        while readMore() {}
        return isAtEnd && received.isEmpty
    }

    private func readMore() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 || (count < 0 && errno == ECONNRESET) { isAtEnd = true }
        guard count > 0 else { return false }
        received += chunk[..<count]
        return true
    }
}

/// A parsed answer.
struct HTTPAnswer {
    var status: Int
    var fields: [String: String]
    var body: String

    /// The value of `"code"` in an error body.
    var code: String? {
        body.firstRange(of: "\"code\":\"").map { String(body[$0.upperBound...].prefix { $0 != "\"" }) }
    }

    var closes: Bool { fields["connection"] == "close" }

    static func parse(_ bytes: [UInt8]) -> (HTTPAnswer, Int)? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let status = lines.first.flatMap({ Int($0.split(separator: " ")[1]) }) else { return nil }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let headBytes = text[..<end.upperBound].utf8.count
        let length = fields["content-length"].flatMap { Int($0) } ?? 0
        guard bytes.count >= headBytes + length else { return nil }
        let body = String(decoding: bytes[headBytes..<headBytes + length], as: UTF8.self)
        return (HTTPAnswer(status: status, fields: fields, body: body), headBytes + length)
    }
}

/// A good request.
func post(_ path: String = "/in/stream", body: String = "{}", fields: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

/// Waits until something that stays holds. The limit ends only tests that fail, so it is far more than a busy machine
/// needs.
func eventually(_ holds: () -> Bool) -> Bool {
    let deadline = monotonicNanoseconds() + 180_000_000_000
    while monotonicNanoseconds() < deadline {
        if holds() { return true }
        usleep(500)
    }
    return holds()
}
