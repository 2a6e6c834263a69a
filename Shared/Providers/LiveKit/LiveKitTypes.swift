/// LiveKit's vocabulary (livekit/protocol, `protobufs/livekit_webhook.proto`): every event that it documents. Rooms and
/// participants are addressed by the names that the application gave them, as in LiveKit's own API.
///
/// `participant_connection_aborted` is a participant who never became active. `egress_ended` is sent for an egress that
/// failed too; `egressInfo.status` tells which.
package enum LiveKitTypes {
    package static let all = MappedType.rows(
        by: "room.name",
        """
        room_started room.created rooms/{room.name}
        room_finished room.ended rooms/{room.name}
        participant_joined participant.joined rooms/{room.name}/participants/{participant.identity}
        participant_left participant.left rooms/{room.name}/participants/{participant.identity}
        participant_connection_aborted participant.crashed rooms/{room.name}/participants/{participant.identity}
        track_published track.added rooms/{room.name}/participants/{participant.identity}/tracks/{track.sid}
        track_unpublished track.removed rooms/{room.name}/participants/{participant.identity}/tracks/{track.sid}
        egress_started egress.started rooms/{room.name}/egress/{egressInfo.egressId}
        egress_updated egress.updated rooms/{room.name}/egress/{egressInfo.egressId}
        egress_ended egress.stopped rooms/{room.name}/egress/{egressInfo.egressId}
        ingress_started ingress.started rooms/{room.name}/ingress/{ingressInfo.ingressId}
        ingress_ended ingress.stopped rooms/{room.name}/ingress/{ingressInfo.ingressId}
        """)

    /// Protojson has lower camel case, or, as some senders' marshallers are set, the proto's own names.
    static let mapping = ObjectMapping(
        provider: LiveKitProvider.attribute, types: all,
        fallbacks: [
            MappedType("", MappedType.unmapped, "rooms/{room.name}", by: "room.name"),
            // The egress of a web page belongs to no room.
            MappedType("", MappedType.unmapped, "egress/{egressInfo.egressId}", by: "egressInfo.egressId"),
            MappedType("", MappedType.unmapped, "ingress/{ingressInfo.ingressId}", by: "ingressInfo.ingressId"),
        ],
        typeField: "event", idFields: ["id"], timeFields: ["createdAt", "created_at"], timeUnit: .seconds,
        aliases: [
            "room.name": [
                "room.name", "egressInfo.roomName", "ingressInfo.roomName", "egress_info.room_name",
                "ingress_info.room_name",
            ],
            "egressInfo.egressId": ["egressInfo.egressId", "egress_info.egress_id"],
            "ingressInfo.ingressId": ["ingressInfo.ingressId", "ingress_info.ingress_id"],
        ])
}
