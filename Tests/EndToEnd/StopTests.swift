import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct Stop {
        /// Asks an ingress again and again to take webhooks out of quarantine, until it is gone.
        private final class Reprocessor: Sendable {
            private let replies = Mutex<[(status: Int, text: String)]>([])
            private let finished = DispatchGroup()

            func start(socket: String, body: String) {
                for _ in 0..<4 {
                    finished.enter()
                    Thread.detachNewThread {
                        while let reply = try? HTTPClient.request("POST", "/replay", body, unix: socket) {
                            self.replies.withLock { $0.append((reply.status, reply.text)) }
                            if reply.status != 200 { break }
                        }
                        self.finished.leave()
                    }
                }
            }

            var soFar: [(status: Int, text: String)] { replies.withLock { $0 } }

            func wait() -> [(status: Int, text: String)] {
                finished.wait()
                return soFar
            }
        }

        @Test
        func `an ingress that is told to end while webhooks come out of quarantine ends, and leaves nobody waiting`()
            throws
        {
            try Pipeline.with(PipelineSettings(subscriptions: 0)) { pipeline in
                let reply = try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(1))
                let (journal, sequence) = LoadGenerator.place(in: reply)
                let webhook = """
                    {"source":"stream","received_at_ns":1700000000000000000,"head":[],"body_base64":"e30=",\
                    "replay_of":{"journal":"\(journal)","sequence":\(sequence)}}
                    """
                let list = Array(repeating: webhook, count: 20).joined(separator: ",")
                // Nobody starts it again, so that what happens is its own doing.
                let ingress = try #require(pipeline.pid("ingress-gateway-0"))
                try pipeline.killSupervisor()
                let reprocessor = Reprocessor()
                reprocessor.start(
                    socket: "\(pipeline.run)/ingress-gateway-0.admin", body: "{\"webhooks\":[\(list)]}")
                try waitUntil("webhooks come out of quarantine") { reprocessor.soFar.count > 8 }
                #expect(kill(ingress, SIGTERM) == 0)
                let replies = reprocessor.wait()
                for reply in replies where reply.status != 200 || reply.text.contains("\"status\":503") {
                    #expect(reply.text.contains("_stopping"), "\(reply.status) \(reply.text)")
                }
                try waitUntil("the ingress has ended") { !Pipeline.isAlive(ingress) }
                let log = pipeline.log("ingress-gateway-0")
                #expect(log.contains("stopped") && !log.contains("ended without finishing"))
                try pipeline.up()
            }
        }
    }
}
