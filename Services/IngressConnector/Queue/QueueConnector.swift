import AWS
import SQSClient
import StageMetrics

/// Fetches webhooks out of a queue of Amazon SQS. A message is deleted only when its webhook is on disk: whatever dies
/// before that, the queue gives it out again. What it gives out twice has the same id, by which the router knows it.
///
/// While the journal takes nothing, nothing is received: the messages are safe where they are.
struct QueueConnector: Sendable {
    /// How often a journal that takes nothing is asked again.
    private static let pauseMilliseconds = 200

    let settings: ConnectorSettings
    let intake: ConnectorIntake
    let state: ConnectorState
    private let client: SQSClient
    private let receivers: Int

    init(
        _ settings: ConnectorSettings, _ queue: ConnectorSettings.Queue, _ intake: ConnectorIntake,
        _ state: ConnectorState
    ) throws {
        self.settings = settings
        self.intake = intake
        self.state = state
        receivers = queue.receivers
        let credentials = AWSCredentials(
            accessKeyID: String(decoding: queue.accessKeyID, as: UTF8.self), secretAccessKey: queue.secretAccessKey,
            sessionToken: queue.sessionToken.map { String(decoding: $0, as: UTF8.self) })
        client = try SQSClient(
            queueURL: queue.url, origin: queue.origin, host: queue.host,
            signature: SignatureV4(credentials, region: queue.region, service: "sqs"), ca: settings.ca,
            clock: { wallNanoseconds() / 1_000_000_000 })
    }

    /// Ends when its task is cancelled.
    func run() async {
        await withTaskGroup { group in
            for _ in 0..<receivers { group.addTask { await receive() } }
        }
        await client.close()
    }

    private func receive() async {
        var delay = RetryDelay()
        while !Task.isCancelled {
            guard intake.isOpen else {
                state.pauses("the journal takes nothing; messages stay in the queue")
                await pause(milliseconds: Self.pauseMilliseconds)
                continue
            }
            do throws(SQSError) {
                let receipts = try await client.receive()
                state.works()
                delay.reset()
                try await take(receipts)
            } catch {
                guard !Task.isCancelled else { return }
                state.fails("\(error)")
                await pause(milliseconds: delay.next())
            }
        }
    }

    private func take(_ receipts: [SQSReceipt]) async throws(SQSError) {
        var done: [String] = []
        var (webhooks, handles): ([FetchedWebhook], [String]) = ([], [])
        for receipt in receipts {
            switch QueueMessage(receipt) {
            case .webhook(let webhook) where intake.takes(bodyBytes: webhook.body.count):
                webhooks.append(webhook)
                handles.append(receipt.handle)
            case .webhook(let webhook):
                state.fails("a message of \(webhook.body.count) bytes is larger than max_body_bytes and stays there")
            case .confirmation:
                done.append(receipt.handle)
            }
        }
        for (handle, isOnDisk) in zip(handles, await intake.take(webhooks, of: settings)) where isOnDisk {
            state.fetched.add()
            done.append(handle)
        }
        guard !done.isEmpty else { return }
        // What cannot be deleted comes again, and is known by its id.
        for error in try await client.delete(done) { if let error { throw error } }
    }
}
