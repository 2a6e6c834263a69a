/// StreamRec's vocabulary: its four values of `status`.
///
/// There is no event id, but each (status, entity) happens once, so ids are made of both. Only the ends of sessions say
/// when they happened; `recording_stopped_at` of an upload is when capturing ended, and other times come from the
/// clock of the client.
package enum EyesonTypes {
    package static let all: [MappedType] = [
        MappedType(
            "upload_ready", "recording.ready", "clients/{client_id}/recordings/{rec_id}", by: "client_id",
            id: "upload_ready:{rec_id}"),
        MappedType(
            "upload_failed", "recording.failed", "clients/{client_id}/recordings/{rec_id}", by: "client_id",
            id: "upload_failed:{rec_id}"),
        MappedType(
            "session_finished", "session.finished", "clients/{client_id}/sessions/{started_at}", by: "client_id",
            id: "session_finished:{client_id}:{started_at}", time: "stopped_at"),
        MappedType(
            "supervisor_session_finished", "session.finished", "supervisor_sessions/{supervisor_session_id}",
            by: "agent_client_id", id: "supervisor_session_finished:{supervisor_session_id}", time: "stopped_at"),
    ]

    static let mapping = ObjectMapping(
        provider: EyesonProvider.attribute, types: all,
        fallbacks: [MappedType("", MappedType.unmapped, "clients/{client_id}", by: "client_id")],
        typeField: "status")
}
