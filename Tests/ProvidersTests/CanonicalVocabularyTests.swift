import Foundation
import JSON
import Testing
import WebhookSamples

@testable import Providers

struct CanonicalVocabularyTests {
    @Test func `every line of every provider names a type of the vocabulary`() {
        for row in ProviderTable.rows {
            #expect(CanonicalVocabulary.contains(row.type.canonicalType), "\(row.provider.name) \(row.type)")
        }
        #expect(CanonicalVocabulary.contains(MappedType.unmapped) && !CanonicalVocabulary.contains("room.opened"))
        #expect(!CanonicalVocabulary.contains("gateway.disk_low"), "no provider says what only the gateway says")
    }

    @Test func `the vocabulary has the published families and types`() throws {
        let published = """
            room created updated deleted ended crashed; participant added removed joined left updated crashed kicked muted \
            blocked unblocked dtmf count_updated; member added removed updated; invite ringing notified accepted rejected \
            missed; session started finished report_ready feedback; stream created preparing started stopped updated \
            enabled disabled deleted; ingress started stopped failed; egress created starting started stopped updated \
            deleted failed; recording started stopped ready failed; snapshot started stopped ready failed; transcription \
            started stopped ready failed; captions started stopped failed segment; asset created upload_created \
            upload_cancelled ready updated failed deleted track_created track_ready track_updated track_deleted \
            track_failed source_ready source_deleted rendition_ready insight_ready; track added removed updated \
            voice_activity; component crashed; channel added removed; viewer joined left; permission requested updated; \
            moderation warned blurred; reaction added; mention created deleted; user updated banned unbanned deactivated \
            reactivated deleted; custom event; metrics report; provider unmapped; gateway subscription_disabled \
            subscription_failing quarantine_filling backlog_old disk_low clock_jumped certificate_ending
            """
        var expected: Set<String> = []
        for family in published.split(separator: ";") {
            let words = family.split(separator: " ")
            for verb in words.dropFirst() { expected.insert("\(words[0]).\(verb)") }
        }
        let types = CanonicalVocabulary.families.flatMap { $0.types.map(\.name) }
        #expect(Set(types) == expected && types.count == expected.count)
    }

    @Test func `every family and type is told in a sentence`() {
        for family in CanonicalVocabulary.families {
            for text in [family.summary] + family.types.map(\.meaning) {
                #expect(text.hasSuffix(".") && text.first?.isUppercase == true, "\(text)")
            }
            #expect(family.types.allSatisfy { $0.name.hasPrefix(family.name + ".") })
        }
    }

    /// `Shared/Providers`, where the generated documents are.
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Shared/Providers")

    private static let remedy: Comment =
        "swift run tributary types --write-documentation Shared/Providers makes it anew; commit the result"

    @Test func `the page says what the tables say`() throws {
        let page = try String(contentsOf: Self.folder.appending(path: "VOCABULARY.md"), encoding: .utf8)
        #expect(page == VocabularyPage.markdown, Self.remedy)
    }

    @Test func `the schemas are those of the vocabulary`() throws {
        let folder = Self.folder.appending(path: "Schemas")
        for family in CanonicalVocabulary.families {
            let schema = try String(contentsOf: folder.appending(path: "\(family.name).json"), encoding: .utf8)
            #expect(schema == FamilySchema.json(family.name), Self.remedy)
            #expect(try JSONSerialization.jsonObject(with: Data(schema.utf8)) is [String: Any])
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(files) == Set(CanonicalVocabulary.families.map { "\($0.name).json" }), Self.remedy)
        #expect(FamilySchema.json("nothing") == nil)
    }
}
