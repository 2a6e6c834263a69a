import Primitives

/// Looks at a body before anything is decoded: decoded, a notification of two bytes takes over a hundred.
enum FishjamGate {
    /// Most notifications in one body. A batch this large of ordinary ones stays within the envelope.
    static let mostNotifications = 1500
    /// Deepest that batches may lie in batches; genuine ones never do.
    static let mostBatches = 4
    private static let batchField = 33
    /// `auth_request` has a token; the address in `track_forwarding` and `track_forwarding_removed` may hold one.
    private static let tokenFields = [7, 30, 31]

    enum Finding: Equatable {
        case fits, tooMany, tooDeep
    }

    static func judge(_ body: UnsafeRawBufferPointer) -> Finding {
        var room = mostNotifications
        return judge(body, batches: 0, room: &room)
    }

    private static func judge(_ bytes: UnsafeRawBufferPointer, batches: Int, room: inout Int) -> Finding {
        for field in ProtobufFields(bytes) where field.number == batchField {
            guard let batch = field.content else { continue }
            guard batches < mostBatches else { return .tooDeep }
            for notification in ProtobufFields(batch) where notification.number == 1 {
                guard let content = notification.content else { continue }
                guard room > 0 else { return .tooMany }
                room -= 1
                let finding = judge(content, batches: batches + 1, room: &room)
                guard finding == .fits else { return finding }
            }
        }
        return .fits
    }

    /// The bytes of each notification of a batch, in order.
    static func notifications(in body: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        ProtobufFields(body).filter { $0.number == batchField }.compactMap(\.content).flatMap { batch in
            ProtobufFields(batch).filter { $0.number == 1 }.compactMap(\.content)
        }
    }

    /// Whether a token may stand in these bytes, also where a later variant has taken the place of its request. What
    /// cannot be read to its end may hold anything.
    static func mayHoldToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var fields = ProtobufFields(bytes)
        while let field = fields.next() {
            if tokenFields.contains(field.number) { return true }
            if field.number == batchField, let batch = field.content {
                var notifications = ProtobufFields(batch)
                while let notification = notifications.next() {
                    if let content = notification.content, mayHoldToken(content) { return true }
                }
                guard notifications.isAtEnd else { return true }
            }
        }
        return !fields.isAtEnd
    }
}
