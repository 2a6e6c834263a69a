import Dispatch
import Glibc
import NIOCore
import PipelineConfiguration
import Synchronization

/// A file to which events are appended, one line each. A delivery counts when its lines are flushed; what comes meanwhile
/// is written and flushed together. Lines stand in the order in which deliveries begin: that of the log, but for what is
/// tried again.
///
/// Confined to the event loop of the lanes.
final class FileDestination: Destination {
    /// A delivery that has not ended.
    private final class Entry {
        let bodies: [EventBody]
        private var completion: ((AttemptOutcome) -> Void)?
        private var timer: Scheduled<Void>?

        init(
            _ delivery: Delivery, _ loop: any EventLoop, completion: @escaping (AttemptOutcome) -> Void
        ) {
            bodies =
                switch delivery.content {
                case .single(let content): [content.body]
                case .batch(let contents): contents.map(\.body)
                }
            self.completion = completion
            timer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delivery.timeoutNanoseconds)) { [weak self] in
                self?.end(FileFailure(.timeout, "not written and flushed within the time-out").outcome)
            }
        }

        var isWaiting: Bool { completion != nil }

        func end(_ outcome: AttemptOutcome) {
            timer?.cancel()
            let completion = self.completion
            self.completion = nil
            completion?(outcome)
        }
    }

    fileprivate let writer: FileWriter
    private let loop: any EventLoop
    private var waiting: [Entry] = []
    private var isWriting = false

    init(_ writer: FileWriter, loop: any EventLoop) {
        self.writer = writer
        self.loop = loop
    }

    func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void) {
        waiting.append(Entry(delivery, loop, completion: completion))
        write()
    }

    func close(successor: (any Destination)?) {
        if (successor as? FileDestination)?.writer !== writer { writer.close() }
    }

    /// Writes all that waits, one write at a time.
    private func write() {
        // What ran out of time before it was begun is not written.
        let entries = waiting.filter(\.isWaiting)
        guard !isWriting, !entries.isEmpty else { return }
        waiting = []
        isWriting = true
        let bound = NIOLoopBound((self, entries), eventLoop: loop)
        writer.append(entries.flatMap(\.bodies)) { [loop] outcome in
            loop.execute {
                let (destination, entries) = bound.value
                destination.isWriting = false
                for entry in entries { entry.end(outcome) }
                destination.write()
            }
        }
    }
}

/// Writes to one file, on a queue of its own: a disk that hangs holds up nobody else.
final class FileWriter: Sendable {
    let path: [String]
    private let file: Mutex<JSONLinesFile>
    private let queue = DispatchQueue(label: "file destination")

    /// `path`: the allowed folder and the names below it.
    init(_ file: JSONLinesFile, path: [String]) {
        self.file = Mutex(file)
        self.path = path
    }

    /// Counts for what is written from now on.
    func adjust(rotateAtBytes: Int, keep: Int) {
        queue.async { [self] in
            file.withLock { ($0.rotateAtBytes, $0.keep) = (rotateAtBytes, keep) }
        }
    }

    /// Appends events; `done` runs on the queue.
    func append(_ events: [EventBody], done: @escaping @Sendable (AttemptOutcome) -> Void) {
        queue.async { [self] in
            var lines: [UInt8] = []
            lines.reserveCapacity(events.reduce(0) { $0 + $1.count + 1 })
            for event in events { Self.append(event, to: &lines) }
            done(
                file.withLock { file in
                    do throws(FileFailure) {
                        try file.append(lines)
                        return .delivered
                    } catch {
                        return error.outcome
                    }
                })
        }
    }

    /// Gives the file free when all that was asked for is done.
    func close() {
        queue.async { [self] in file.withLock { $0.close() } }
    }

    /// One event as one line. In JSON a raw line break is white space between tokens, so a blank says the same.
    private static func append(_ event: EventBody, to lines: inout [UInt8]) {
        let start = lines.count
        event.forEachPart { lines.append(contentsOf: $0) }
        for place in lines[start...].indices where lines[place] == UInt8(ascii: "\n") || lines[place] == 0x0D {
            lines[place] = UInt8(ascii: " ")
        }
        lines.append(UInt8(ascii: "\n"))
    }
}

extension FileDestinationConfiguration: DestinationKind {
    static var outcomes: [AttemptEnd] { AttemptEnd.ofFile }

    /// The folder must be there too. Later it may be away for a while, and deliveries wait for it.
    func apiRefusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        if let refusal = refusal(by: router) { return refusal }
        guard let folder = router.fileDestinations else { return nil }
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return ("path", "\(folder) (router.file_destinations) is no folder; the operator must make it")
        }
        return nil
    }

    func check(_ context: DestinationContext) throws {}

    func destination(
        _ context: DestinationContext, on loop: any EventLoop, former: (any Destination)?
    ) throws -> any Destination {
        guard let folder = context.router.fileDestinations, let names = names(below: folder) else {
            return RefusedDestination(refusal(by: context.router)?.sentence ?? "", loop: loop)
        }
        let path = [folder] + names
        if let writer = (former as? FileDestination)?.writer, writer.path == path {
            writer.adjust(rotateAtBytes: rotateAtBytes, keep: keep)
            return FileDestination(writer, loop: loop)
        }
        let file = JSONLinesFile(folder: folder, names: names, rotateAtBytes: rotateAtBytes, keep: keep)
        return FileDestination(FileWriter(file, path: path), loop: loop)
    }
}

/// What a file is that the configuration does not allow any more: its subscription keeps its place.
private final class RefusedDestination: Destination {
    private let detail: String
    private let loop: any EventLoop

    init(_ detail: String, loop: any EventLoop) {
        self.detail = detail
        self.loop = loop
    }

    func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void) {
        let outcome = FileFailure(.addressRefused, detail).outcome
        loop.assumeIsolated().execute { completion(outcome) }
    }

    func close(successor: (any Destination)?) {}
}
