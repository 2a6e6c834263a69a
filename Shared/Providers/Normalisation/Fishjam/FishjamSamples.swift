import Primitives

/// A body of every variant, made of one room with one peer.
package enum FishjamSamples {
    /// The variants by their names on the wire, the WebSocket's handshake last; `notification_batch` is a batch of three.
    package static let types: [String] = {
        let names = FishjamSchema.variants.map(\.name)
        return names.filter { !handshake.contains($0) } + handshake
    }()

    /// What never comes by webhook.
    private static let handshake = ["authenticated", "auth_request", "subscribe_request", "subscribe_response"]

    private static let room = "b2e7d6a4-6b0f-4a52-9f53-0f3a9e8c1d11"
    private static let peer = "0e1c7f2a-9d4b-4b6e-8a3e-5c2d1f0b9a77"
    private static let track = "\(peer):1f0c2f0e-7a55-4c7e-8f0e-2f6f5f1b7c01"

    /// The values of fields by their names; those that differ in one variant by the variant's name before.
    private static let texts = [
        "room_id": room, "peer_id": peer, "id": track, "track_id": track,
        "component_id": "c7a1d9e0-3f5b-4c88-b0a2-6d4e2f1a8b33", "reason": "internal error",
        "metadata": #"{"source":"camera"}"#, "peer_metadata_updated.metadata": #"{"name":"John"}"#,
        "recording_status_changed.metadata": "{}",
        "metrics": #"{"room_id=\#(room)":{"ice.bytes_sent":1022}}"#,
        "stream_id": "stream-1", "viewer_id": "viewer-1", "streamer_id": "streamer-1", "channel_id": "channel-1",
        "input_id": "input-1", "composition_url": "https://composition.example.com/1", "recording_id": "rec-1",
        "token": "development",
    ]
    private static let numbers: [String: UInt64] = [
        "type": 1, "event_type": 1, "vad_notification.status": 2, "recording_status_changed.status": 3,
    ]
    /// Fields that stay empty although they could have a value.
    private static let empty: Set = ["track_removed.peer_id", "track_forwarding.audio_track"]

    /// The protobuf bytes of a webhook; nil where `type` is none of `types`.
    package static func body(of type: String) -> [UInt8]? {
        guard let variant = FishjamSchema.variants.first(where: { $0.name == type }),
            case .message(let fields) = variant.kind
        else { return nil }
        return ProtobufFields.field(variant.number, content(fields, of: type))
    }

    /// A batch of so many times the same notification.
    package static func batch(of count: Int, _ notification: [UInt8]) -> [UInt8] {
        let element = ProtobufFields.field(1, notification)
        return ProtobufFields.field(FishjamSchema.batch, (0..<count).flatMap { _ in element })
    }

    private static func content(_ fields: [FishjamField], of type: String) -> [UInt8] {
        var hasChosen = false
        return fields.flatMap { field -> [UInt8] in
            let place = "\(type).\(field.name)"
            guard !empty.contains(place), !field.isChoice || !hasChosen else { return [] }
            if field.isChoice { hasChosen = true }
            switch field.kind {
            case .text, .token, .address:
                let value = texts[place] ?? texts[field.name]
                return value.map { ProtobufFields.field(field.number, Array($0.utf8)) } ?? []
            case .names:
                let value = numbers[place] ?? numbers[field.name]
                return value.map { ProtobufFields.field(field.number, $0) } ?? []
            case .message(let inner): return ProtobufFields.field(field.number, content(inner, of: type))
            case .notifications:
                return ["room_created", "peer_added", "peer_connected"].compactMap(body).flatMap {
                    ProtobufFields.field(field.number, $0)
                }
            }
        }
    }
}
