package import Events
package import JSON
import Primitives
import Wire

extension LocalRecord.Webhook {
    /// As the ingress takes it at `POST /replay`; nil where a part does not have the form that it must have.
    package init?(replay: JSONValue) {
        let origin = replay["replay_of"]
        let head = replay["head"].elements.map(\.elements)
        guard let received = replay["received_at_ns"].integer, let journal = JournalID(origin["journal"].text),
            let sequence = UInt64(origin["sequence"].text), head.allSatisfy({ $0.count == 2 }),
            let body = Array(replay["body_base64"].text.utf8).withUnsafeBytes({ Base64.decode($0) })
        else { return nil }
        let elements = replay["elements"].elements.compactMap { $0.integer.flatMap { UInt32(exactly: $0) } }
        self.init(
            source: replay["source"].text, head: head.map { ($0[0].text, $0[1].text) }, body: body,
            receivedAtNanoseconds: received, journal: journal, sequence: sequence, elements: elements, isReplay: true)
    }
}
