import ControlClient
import Executable
import JSON
import NIOCore
import NIOPosix
import Primitives
package import StageMetrics

/// The metrics of all instances on this host as one report, for whoever has subscribed to it; made as long as there is one.
///
/// `@unchecked Sendable`: confined to the event loop of the connections.
package final class PipelineReports: @unchecked Sendable {
    /// As Fishjam's servers (`webrtc_metrics_scrape_interval`).
    static let interval = TimeAmount.seconds(1)
    /// Of one report: clients take messages of 1 MiB. What comes later in it is left out.
    static let mostBytes = 512 * 1024
    private static let mostInstances = 256
    private static let timeoutSeconds = 1

    private let loop: any EventLoop
    private let report: () -> EventLoopFuture<[UInt8]>
    private var subscribers: [ObjectIdentifier: NotifierConnection] = [:]
    private var ticker: RepeatedTask?
    private var isAsking = false

    /// `report` makes one, as `json` writes it.
    init(_ loop: any EventLoop, _ report: @escaping () -> EventLoopFuture<[UInt8]>) {
        (self.loop, self.report) = (loop, report)
    }

    /// Asks the instances in a run directory, on a thread that may block.
    convenience init(_ loop: any EventLoop, runDirectory: String) {
        self.init(loop) {
            NIOThreadPool.singleton.runIfActive(eventLoop: loop) { Self.json(Self.instances(runDirectory)) }
        }
    }

    func add(_ subscriber: NotifierConnection) {
        subscribers[ObjectIdentifier(subscriber)] = subscriber
        guard ticker == nil else { return }
        ticker = loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.interval) { [self] _ in send() }
    }

    func remove(_ subscriber: NotifierConnection) {
        subscribers[ObjectIdentifier(subscriber)] = nil
        guard subscribers.isEmpty else { return }
        ticker?.cancel()
        ticker = nil
    }

    /// Begins the next report once the last one is there.
    private func send() {
        guard !isAsking else { return }
        isAsking = true
        report().whenComplete { [self] result in
            isAsking = false
            guard case .success(let json) = result else { return }
            let message = ByteBuffer(bytes: NotifierSession.report(json))
            for subscriber in subscribers.values { subscriber.report(message) }
        }
    }

    /// The instances that answer on their admin sockets, this one too: all of their metrics, or those of these names.
    package static func instances(
        _ folder: String, _ names: [String] = []
    ) -> [(name: String, metrics: [MetricReading])] {
        Stage.instances(in: folder).prefix(mostInstances).compactMap { name in
            StageMetricsClient.read(folder, name, names: names, timeoutSeconds: timeoutSeconds).map { (name, $0) }
        }
    }

    /// In the form of Fishjam's reports, names of things with their metrics below:
    /// `{"instance=verifier-0":{"tributary_records_total{direction=\"in\"}":12,…},…}`. Of histograms sum and count.
    static func json(_ instances: [(name: String, metrics: [MetricReading])]) -> [UInt8] {
        var room = mostBytes
        return JSONText.object(
            instances.map { name, metrics in
                let members = metrics.flatMap(\.samples).compactMap { sample -> (String, JSONText)? in
                    guard sample.label("le") == nil, let value = Double(sample.value), value.isFinite else {
                        return nil
                    }
                    let member = "\(sample.name){\(MetricText.labels(sample.labels))}"
                    // Each of its bytes may be two in a text of JSON.
                    room -= 2 * member.utf8.count + sample.value.utf8.count + 8
                    return room < 0 ? nil : (member, JSONText(raw: Array(sample.value.utf8)))
                }
                return ("instance=\(name)", .object(members))
            }
        ).bytes
    }
}
