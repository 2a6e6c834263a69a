import Crypto
import Primitives

/// SuperViz: real-time events, one or an array of them per request, and the three other webhooks.
enum SuperVizSamples {
    /// Real-time events may have any name; these stand for the shapes: from a participant, from a server, and without
    /// room and publisher, as older versions sent them.
    static let realTime = ["price-update", "server-published", "older-shape"]
    static let types = realTime + ["MEETING_STATS", "CREATE_MENTION", "DELETE_MENTION"]

    /// `order.type` that is none of `types` is the name of a real-time event. Only these come in batches.
    static func body(_ order: SampleOrder) -> SampleBody? {
        switch order.type {
        case "MEETING_STATS":
            return SampleBody(
                """
                {"id":"\(order.id)","type":"MEETING_STATS","message":[{"meetingId":"meeting-42",\
                "startedAt":"2026-10-05T14:00:00.000Z","finishedAt":"2026-10-05T14:48:53.000Z","participants":42}]}
                """, eventIDs: [order.id])
        case "CREATE_MENTION", "DELETE_MENTION":
            return SampleBody(
                """
                {"id":"\(order.id)","type":"\(order.type)","message":"{}"}
                """, eventIDs: [order.id])
        default:
            let elements = (0..<(order.batch ?? 1)).map { element(order, $0) }
            let bodies = order.batch == nil ? elements[0] : "[\(elements.joined(separator: ","))]"
            return SampleBody(bodies, eventIDs: elements.map(eventID))
        }
    }

    /// Members in the order of RFC 8785, so that the bytes are those that the id is made of.
    private static func element(_ order: SampleOrder, _ index: Int) -> String {
        let payload = "{\"n\":\(index),\"price\":42.5,\"sample\":\"\(order.id)\",\"symbol\":\"ACME\"}"
        let start =
            "{\"apiKey\":\"sv_dev_7qk2xq4u6v\",\"channel\":\"my-channel\",\"data\":\(payload),"
            + "\"date\":\"\(order.createdAtMilliseconds)\",\"event\":\(order.quotedType)"
        switch order.type {
        case "older-shape": return start + "}"
        case "server-published": return start + ",\"roomId\":\"room-42\",\"socketId\":null}"
        default:
            return start + ",\"presenceId\":\"55x7kd\",\"roomId\":\"room-42\",\"socketId\":\"oxulmrXc_A-_3olrAAAr\"}"
        }
    }

    /// As the normaliser makes it for elements without an id.
    private static func eventID(_ element: String) -> String {
        let digest = Array(element.utf8).withUnsafeBytes { SHA256Digest.of($0) }
        return "sha256:" + digest.withUnsafeBytes { Hexadecimal.encode($0) }
    }
}
