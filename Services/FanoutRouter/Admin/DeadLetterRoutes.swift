import EventLog
import Foundation
import StageRuntime

extension AdminRoutes {
    /// `GET /dead-letters`.
    func deadLetters(_ request: AdminRequest) throws -> AdminReply {
        let (subscription, limit) = (request.query["subscription"], Self.limit(request))
        let letters = try stage.reading.read { try $0.deadLetters(subscription: subscription, limit: limit) }
        return .json(
            200,
            .object([
                (
                    "dead_letters",
                    .array(
                        letters.map { subscription, letter in
                            .object([
                                ("subscription", .string(subscription)), ("position", .number(letter.first)),
                                ("last", .number(letter.last)), ("reason", .string(letter.reason)),
                                ("attempts", .number(letter.attempts)), ("at", Self.time(letter.diedAtNanoseconds)),
                            ])
                        })
                )
            ]))
    }

    /// `POST /dead-letters/replay` with `{"subscription": …, "positions": […]}` or `{"subscription": …, "all": true}`.
    func replayDeadLetters(_ request: AdminRequest) throws -> AdminReply {
        struct Body: Decodable {
            var subscription: String
            var positions: [UInt64]?
            var all: Bool?
        }
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(request.body)),
            body.positions != nil || body.all == true
        else {
            return .error(400, "bad_request", "expected {\"subscription\": …, \"positions\": […]} or \"all\": true")
        }
        let name = body.subscription
        guard try stage.withHub({ $0.lane(name) != nil }) else {
            return .error(404, "not_found", "no subscription is named \(name)")
        }
        let positions = body.all == true ? nil : body.positions
        let count = try stage.writer.perform { try $0.queueReplay(subscription: name, positions: positions) }
        if count > 0 { try stage.withHub { $0.lane(name)?.replaysQueued() } }
        return .json(202, .object([("queued", .number(count))]))
    }
}
