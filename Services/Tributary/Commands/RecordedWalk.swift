import Events
import Executable
import JSON
import Primitives
import Wire

/// The webhooks of a recording of `bus-tap`, in its order, each once: it has them once per hop.
struct RecordedWalk: ReplayWalk {
    private struct Name: Hashable {
        let journal: JournalID
        let sequence: UInt64
    }

    private var reader: RecordingReader
    private let path: String
    private let source: String?
    private let target: String?
    private var met: Set<Name> = []
    /// Read and not handed over yet.
    private var waiting: ArraySlice<JSONValue> = []
    private var failure: WireError?
    private(set) var expected = 0
    private(set) var missing: [(id: UInt64, sentence: String)] = []

    /// `source`: of which webhooks are meant; nil: all. `target`: the source that they are sent to; nil: their own.
    init(_ path: String, source: String?, sentTo target: String?) throws(StageFailure) {
        reader = RecordingReader(try FileChunks.open(path))
        self.path = path
        self.source = source
        self.target = target
    }

    mutating func next(_ limit: Int) throws(StageFailure) -> [JSONValue] {
        // What comes through a pipe does not wait for more.
        while waiting.isEmpty || (waiting.count < limit && path != "-") {
            do throws(WireError) {
                guard failure == nil, let transmission = try reader.next() else { break }
                take(transmission.batch)
            } catch {
                failure = error
            }
        }
        // What was read before goes first.
        if waiting.isEmpty, let failure { throw StageFailure(.io, "\(path) \(failure.asRecording)") }
        defer { waiting = waiting.dropFirst(limit) }
        return Array(waiting.prefix(limit))
    }

    private mutating func take(_ batch: [UInt8]) {
        let entries = batch.withUnsafeBytes { bytes -> [JSONValue] in
            var entries: [JSONValue] = []
            var records = BatchReader(bytes)
            while let record = try? records.next() {
                guard let envelope = try? EnvelopeView(record), source.map({ $0 == envelope.source }) ?? true,
                    met.insert(Name(journal: envelope.journal, sequence: envelope.sequence)).inserted
                else { continue }
                if envelope.isIntact {
                    entries.append(entry(envelope))
                } else {
                    missing.append((envelope.sequence, "its bytes in the recording are damaged"))
                }
            }
            return entries
        }
        waiting += entries
        expected += entries.count
    }

    /// As the router gives one out of quarantine; what was a replay itself keeps its origin, from which ids are made.
    private func entry(_ envelope: EnvelopeView) -> JSONValue {
        let replay = envelope.section(.replayOf).map { ReplayOrigin(section: $0) }
        let origin = replay?.entry ?? (envelope.journal, envelope.sequence)
        var head: [JSONValue] = []
        if let section = envelope.section(.requestHead) {
            RequestHead(section).forEachField { name, value in
                head.append(.array([name, value].map { .string(String(decoding: $0, as: UTF8.self)) }))
                return true
            }
        }
        let body = envelope.section(.body).map { Base64.encode($0) } ?? ""
        let members: [(String, JSONValue)] = [
            ("id", .number(String(envelope.sequence))), ("source", .string(target ?? envelope.source)),
            ("received_at_ns", .number(String(envelope.receivedAtNanoseconds))), ("head", .array(head)),
            ("body_base64", .string(body)), ("journal", .string(origin.0.description)),
            ("sequence", .number(String(origin.1))),
            ("elements", .array((replay?.list ?? []).map { .number(String($0)) })),
        ]
        return .object(members.map { JSONMember(name: $0.0, value: $0.1) })
    }
}
