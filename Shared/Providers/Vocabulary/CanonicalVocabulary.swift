/// Events about one kind of thing: the part of a canonical type before its dot.
package struct CanonicalFamily: Sendable {
    package let name: String
    package let summary: String
    package fileprivate(set) var types: [CanonicalType]
}

/// One canonical type.
package struct CanonicalType: Sendable {
    /// Family and verb, without prefix: `participant.joined`.
    package let name: String
    /// What has happened when an event has this type.
    package let meaning: String
}

/// The one table of all canonical types: what subscribers can rely on. The providers' tables name nothing else; the page
/// `VOCABULARY.md` and the JSON Schemas are generated from it.
package enum CanonicalVocabulary {
    package static let families: [CanonicalFamily] = table.split(separator: "\n").reduce(into: []) { families, line in
        let parts = line.drop { $0 == " " }.split(separator: ": ", maxSplits: 1).map(String.init)
        if line.hasPrefix(" "), var family = families.popLast() {
            family.types.append(CanonicalType(name: "\(family.name).\(parts[0])", meaning: parts[1]))
            families.append(family)
        } else {
            families.append(CanonicalFamily(name: parts[0], summary: parts[1], types: []))
        }
    }

    /// Whether events of providers can have that type; the name is without prefix.
    package static func contains(_ name: String) -> Bool { names.contains(name) && !name.hasPrefix(ofGateway) }

    /// What the types begin with that only the gateway gives, to its events about itself. A subscription gets these only
    /// where its filter names one, or all, by this beginning.
    package static let ofGateway = "gateway."

    /// The family with that name.
    package static func family(named name: String) -> CanonicalFamily? { families.first { $0.name == name } }

    private static let names = Set(families.flatMap { $0.types.map(\.name) })

    /// A family a line, below it its types without the family's name, each with what it means.
    private static let table = """
        room: The place where people meet: a room, a call, a channel of a conference.
          created: A room can be joined from now on.
          updated: A room's settings or custom fields have changed.
          deleted: A room was removed.
          ended: A room was closed for everybody.
          crashed: A room broke down on the provider's side.
        participant: Somebody, or something, in a room.
          added: A participant was registered; it need not be connected.
          removed: A participant's registration was taken away.
          joined: A participant is connected.
          left: A participant is no longer connected.
          updated: A participant's metadata have changed.
          crashed: A participant's connection broke down.
          kicked: A participant was put out of the room.
          muted: Participants were muted by somebody else.
          blocked: A user may no longer join the room.
          unblocked: A blocked user may join the room again.
          dtmf: A participant pressed a key of a telephone.
          count_updated: The number of participants has changed.
        member: Who belongs to a room, connected or not.
          added: Members were added to a room.
          removed: Members were taken from a room.
          updated: Members' roles or custom fields have changed.
        invite: Ringing, and what became of it.
          ringing: Members of a room are being rung.
          notified: Members of a room were told of it without ringing.
          accepted: A user took the call.
          rejected: A user declined the call.
          missed: Nobody took the call in time.
        session: One use of a room, from the first who joins to the last who leaves.
          started: A session has begun.
          finished: A session is over; the room may be used again.
          report_ready: Statistics of a session can be had.
          feedback: A user rated a session.
        permission: What a user may do in a room.
          requested: A user asks for a permission.
          updated: A user's permissions have changed.
        moderation: Automatic moderation of what is shown or said.
          warned: A user was warned.
          blurred: A user's video was blurred.
        reaction: Reactions of participants.
          added: A participant sent a reaction.
        stream: A live stream with its own life: it is made, goes on air and ends.
          created: A stream was set up; nothing is on air.
          preparing: A stream is being made ready to go on air.
          started: A stream is on air.
          stopped: A stream is off the air for good; a lost encoder alone is `ingress.stopped`.
          updated: A stream's settings have changed.
          enabled: A stream accepts encoders again.
          disabled: A stream accepts no encoder.
          deleted: A stream was removed.
        ingress: What feeds a room or stream from outside: an encoder, a camera.
          started: An encoder is connected and sends.
          stopped: An encoder is gone; it may come back.
          failed: An encoder could not send.
        egress: What leaves a room or stream: HLS, RTMP, simulcasts, forwarded tracks.
          created: A target was set up.
          starting: A target is being connected.
          started: A target receives.
          stopped: A target receives no more.
          updated: A target's settings or state have changed.
          deleted: A target was removed.
          failed: A target could not be reached or broke off.
        recording: Recordings of rooms, streams and clients.
          started: Recording has begun.
          stopped: Recording has ended; the file need not be ready.
          ready: The recording can be fetched or was uploaded.
          failed: There will be no recording, or no complete one.
        snapshot: Single frames taken of a room.
          started: Frames are being taken.
          stopped: No more frames are taken.
          ready: A frame can be fetched.
          failed: Frames could not be taken.
        transcription: Transcripts of what was said, as files.
          started: Transcription has begun.
          stopped: Transcription has ended; the file need not be ready.
          ready: The transcript can be fetched.
          failed: There will be no transcript.
        captions: Captions while people speak.
          started: Captioning has begun.
          stopped: Captioning has ended.
          failed: Captioning broke off.
          segment: One caption was spoken.
        asset: Recorded and uploaded media, from upload to rendition.
          created: An asset exists; it need not be playable.
          upload_created: An upload was announced.
          upload_cancelled: An upload was called off.
          ready: An asset can be played.
          updated: An asset's settings or state have changed.
          failed: An asset could not be made.
          deleted: An asset was removed.
          track_created: An audio, subtitle or video track was added.
          track_ready: A track can be used.
          track_updated: A track has changed.
          track_deleted: A track was removed.
          track_failed: A track could not be made.
          source_ready: The original file can be fetched.
          source_deleted: The original file was removed.
          rendition_ready: A file made of the asset can be fetched.
          insight_ready: Automatic analysis of the asset can be fetched: a summary, chapters, names.
        track: Single audio and video tracks of a participant or component.
          added: A track is published.
          removed: A track is no longer published.
          updated: A track's metadata have changed.
          voice_activity: Speech on a track has begun or ended.
        component: Parts of a media server that work on a room.
          crashed: A component broke down.
        channel: Channels inside a room.
          added: A channel was added.
          removed: A channel was removed.
        viewer: Who watches a stream.
          joined: A viewer is connected.
          left: A viewer is no longer connected.
        mention: Mentions of people in comments.
          created: Somebody was mentioned.
          deleted: A mention was removed.
        user: The application's users, independent of rooms.
          updated: A user's fields have changed.
          banned: A user was banned.
          unbanned: A ban was lifted.
          deactivated: A user was deactivated.
          reactivated: A user was activated again.
          deleted: A user was removed.
        custom: What the application itself publishes through the provider.
          event: The application sent an event; `providertype` is its name or kind.
        metrics: Measurements.
          report: The provider measured its connections.
        gateway: What whoever operates this gateway should know; only filters that name these types take them.
          subscription_disabled: A subscription was disabled, or is active again.
          subscription_failing: A subscription's circuit breaker has been open for a minute, or closed again.
          quarantine_filling: The quarantine of a source is nearly full, or has room again.
          backlog_old: Webhooks or events have waited for long, or flow again.
          disk_low: A disk is nearly full, or has room again.
          clock_jumped: The wall clock of a stage was set.
          certificate_ending: A certificate is near its end, or was renewed.
        provider: What has no canonical type.
          unmapped: Any other event; `providertype` is the provider's name for it, where there is one.
        """
}
