import Events
import Foundation
import Testing
import WebhookSamples

@testable import Normalisation
@testable import Providers

/// The published mapping, `canonical-mapping.json`, walked line by line: against the providers' tables, and through
/// their normalisers with bodies made for the purpose.
struct CanonicalMappingTests {
    private struct Row {
        let provider: String
        let type: String
        let canonical: String
        let subject: String
        let partitionKey: String
    }

    private func rows(of provider: String? = nil) throws -> [Row] {
        try SampleLibrary.mapping().flatMap { name, types in
            types.map { type, row in
                Row(
                    provider: name, type: type, canonical: row.canonical, subject: row.subject,
                    partitionKey: row.partitionkey)
            }
        }.filter { provider == nil || $0.provider == provider }
    }

    /// `recording.{started|ready}` stands for one line each.
    private func alternatives(_ text: String) -> [String] {
        guard let bar = text.firstIndex(of: "|"), let open = text[..<bar].lastIndex(of: "{"),
            let close = text[bar...].firstIndex(of: "}")
        else { return [text] }
        let before = String(text[..<open])
        let after = String(text[text.index(after: close)...])
        let words: [Substring] = text[text.index(after: open)..<close].split(separator: "|")
        return words.flatMap { alternatives(before + String($0) + after) }
    }

    /// How the published mapping describes rather than names a field, and what the tables say for it.
    private func agrees(_ type: MappedType, with row: Row) -> Bool {
        let subjects = alternatives(row.subject).map { subject in
            ["peers", "components"].reduce(subject) {
                $0.replacingOccurrences(of: "\($1)/{endpoint_id}", with: "\($1)/{\($1.dropLast())_id}")
            }
        }
        let keys: [String] =
            switch row.partitionKey {
            case "connection id": ["source"]
            case "meetingId": ["message.0.meetingId", "/message/0/meetingId"]
            case let key where key.contains(" / "): ["room_id", "stream_id", "recording_id"]
            default: [row.partitionKey]
            }
        let subject = type.subject.replacingOccurrences(of: "{/message/0/meetingId}", with: "{message[0].meetingId}")
        return alternatives(row.canonical).contains(type.canonicalType) && subjects.contains(subject)
            && keys.contains(type.partitionKey)
    }

    @Test func `every provider of the mapping is known`() throws {
        #expect(Set(try SampleLibrary.mapping().keys).isSubset(of: ProviderRegistry.names))
    }

    @Test func `the tables are the published mapping, line for line`() throws {
        for provider in try SampleLibrary.mapping().keys where provider != "superviz" {
            let types = try #require(ProviderRegistry.provider(named: provider)).types
            let rows = try rows(of: provider)
            for row in rows {
                let lines = types.filter { $0.providerType == row.type }
                #expect(!lines.isEmpty, "\(provider) \(row.type) has no line")
                for line in lines { #expect(agrees(line, with: row), "\(provider) \(line) against \(row)") }
                let meant = Set(alternatives(row.canonical))
                #expect(meant == Set(lines.map(\.canonicalType)), "\(provider) \(row.type)")
            }
            #expect(Set(types.map(\.providerType)) == Set(rows.map(\.type)), "\(provider)")
        }
    }

    @Test(arguments: ["stream", "fastpix", "eyeson-streamrec"])
    func `a body with every field of the mapping becomes what the mapping says`(_ name: String) throws {
        let provider = try #require(ProviderRegistry.provider(named: name))
        for row in try rows(of: name) {
            let made = try composed(row)
            let attributes = try Normalised(provider, made.body, fields: [("X-WEBHOOK-ID", "event-1")]).attributes()
            #expect(attributes["type"] == "dev.tributary.\(row.canonical)", "\(row)")
            #expect(attributes["subject"] == made.subject && attributes["partitionkey"] == made.key, "\(row)")
            #expect(attributes["id"] == made.id, "\(row)")
            #expect(attributes["providertype"] == row.type && attributes["source"] == "/sources/\(name)")
            #expect(attributes["provider"] == "\(provider.attribute)")
            let isTimed = attributes["timesource"] == "provider"
            #expect(isTimed == !row.type.hasPrefix("upload_"), "\(row)")
            #expect(attributes["time"] == (isTimed ? "2026-10-05T14:49:14.142187951Z" : Normalised.receivedAtText))
        }
    }

    /// A body that has every field of a subject, each with a value of its own, and what must come of it.
    private func composed(_ row: Row) throws -> (body: String, subject: String, key: String, id: String) {
        var body: [String: Any] = [:]
        switch row.provider {
        case "stream": body = ["type": row.type, "created_at": "2026-10-05T14:49:14.142187951Z"]
        case "fastpix": body = ["type": row.type, "id": "event-1", "createdAt": "2026-10-05T14:49:14.142187951Z"]
        default: body = ["status": row.type, "stopped_at": "2026-10-05T14:49:14.142187951Z"]
        }
        var subject = row.subject
        for field in Set(Vocabulary.fields(of: row.subject) + [row.partitionKey]) {
            let path = row.provider == "fastpix" && !field.contains(".") ? "data.\(field)" : field
            body = inserting("value of \(field)", at: path.split(separator: ".").map(String.init)[...], into: body)
            subject = subject.replacingOccurrences(of: "{\(field)}", with: "value of \(field)")
        }
        let ids = [
            "upload_ready": "upload_ready:value of rec_id", "upload_failed": "upload_failed:value of rec_id",
            "session_finished": "session_finished:value of client_id:value of started_at",
            "supervisor_session_finished": "supervisor_session_finished:value of supervisor_session_id",
        ]
        let encoded = try JSONSerialization.data(withJSONObject: body)
        return (
            String(decoding: encoded, as: UTF8.self), subject, "value of \(row.partitionKey)",
            ids[row.type] ?? "event-1"
        )
    }

    private func inserting(_ value: String, at path: ArraySlice<String>, into object: [String: Any]) -> [String: Any] {
        var object = object
        guard let step = path.first else { return object }
        if path.count == 1 {
            object[step] = value
        } else {
            object[step] = inserting(value, at: path.dropFirst(), into: object[step] as? [String: Any] ?? [:])
        }
        return object
    }

    @Test func `SuperViz's events become what the mapping says`() throws {
        guard let provider = ProviderRegistry.provider(named: "superviz") else { return }
        for (body, type, subject, key) in [
            (
                #"{"event":"x","roomId":"r","channel":"c","date":"2024-05-17T20:56:59.006Z","data":{}}"#,
                "custom.event", "rooms/r/channels/c", "r/c"
            ),
            (
                #"{"id":"m","type":"MEETING_STATS","message":[{"meetingId":"meet-1"}]}"#, "session.report_ready",
                "meetings/meet-1", "meet-1"
            ),
            (#"{"id":"m","type":"CREATE_MENTION","message":{}}"#, "mention.created", "mentions/m", "m"),
            (#"{"id":"m","type":"DELETE_MENTION","message":{}}"#, "mention.deleted", "mentions/m", "m"),
        ] {
            let attributes = try Normalised(provider, body).attributes()
            #expect(attributes["type"] == "dev.tributary.\(type)" && attributes["subject"] == subject, "\(body)")
            #expect(attributes["partitionkey"] == key && attributes["provider"] == "superviz", "\(body)")
        }
    }
}
