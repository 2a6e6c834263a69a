/// SuperViz's webhooks (docs.superviz.com, "Realtime webhooks" and "Collaboration webhooks").
package enum SuperVizTypes {
    /// Real-time events are called as the application likes.
    package static let realTime = MappedType(
        "<any event name>", "custom.event", "rooms/{roomId}/channels/{channel}", by: "roomId/channel")

    /// Where the id of the meeting is: the statistics are a list of meetings, of which the webhook has one.
    package static let meetingStatistics = MappedType(
        "MEETING_STATS", "session.report_ready", "meetings/{/message/0/meetingId}", by: "/message/0/meetingId")

    package static let mentionCreated = MappedType("CREATE_MENTION", "mention.created", "mentions/{id}", by: "id")
    package static let mentionDeleted = MappedType("DELETE_MENTION", "mention.deleted", "mentions/{id}", by: "id")

    package static let all = [realTime, meetingStatistics, mentionCreated, mentionDeleted]
}
