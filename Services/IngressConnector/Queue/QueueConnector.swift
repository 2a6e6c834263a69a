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

    /// Ends when its task is cancelled, after what is on disk has been deleted.
    func run() async {
        await withTaskGroup { group in
            for receiver in 0..<receivers { group.addTask { await receive(receiver) } }
        }
        await client.close()
    }

    private func receive(_ receiver: Int) async {
        var delay = RetryDelay()
        // The first answer shall not wait for a message: it says whether the queue is there.
        var waitSeconds = 0
        while !Task.isCancelled {
            guard intake.isOpen else {
                state.pauses("the journal takes nothing; messages stay in the queue", receiver)
                await pause(milliseconds: Self.pauseMilliseconds)
                continue
            }
            do throws(SQSError) {
                try await take(try await client.receive(waitSeconds: waitSeconds))
                state.works(receiver)
                delay.reset()
                waitSeconds = SQSRequest.longestWaitSeconds
            } catch {
                guard !Task.isCancelled else { return }
                state.fails("\(error)", receiver)
                waitSeconds = 0
                await pause(milliseconds: delay.next())
            }
        }
    }

    /// Those of one group of a FIFO queue are held by one receiver at a time, so their order is that of its messages.
    private func take(_ receipts: [SQSReceipt]) async throws(SQSError) {
        let taken = await intake.take(receipts.map(FetchedWebhook.init), of: settings)
        guard taken > 0 else { return }
        state.fetched.add(taken)
        let (client, handles) = (client, receipts.prefix(taken).map(\.handle))
        // In a task of its own, which nobody cancels: what is on disk should not come again. What cannot be deleted does, and
        // is known by its id.
        let deletion = Task { () async -> Result<[SQSError?], SQSError> in
            do throws(SQSError) { return .success(try await client.delete(handles)) } catch { return .failure(error) }
        }
        for error in try await deletion.value.get() { if let error { throw error } }
    }
}
