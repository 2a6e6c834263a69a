import Foundation
import JSON
import PipelineConfiguration
import Testing

/// What the tables say to editors and to people, shipped beside the configuration.
@Suite struct ConfigurationReferenceTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "compose")

    @Test(arguments: [
        ("tributary.schema.json", ConfigurationReference.schema.indented() + "\n"),
        ("CONFIGURATION.md", ConfigurationReference.page),
    ])
    func `the shipped page is the one that the tables make`(_ name: String, _ text: String) throws {
        let file = Self.folder.appending(path: name)
        if ProcessInfo.processInfo.environment["TRIBUTARY_WRITE_REFERENCE"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let shipped = try? String(contentsOf: file, encoding: .utf8)
        let isSame = shipped == text
        #expect(isSame, "TRIBUTARY_WRITE_REFERENCE=1 swift test --filter \(Self.self) makes \(name) anew; commit it")
    }

    @Test func `every key is said to mean something`() {
        let rows = ConfigurationReference.page.split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count > 100)
        #expect(rows.allSatisfy { $0.hasSuffix(". |") || $0.hasSuffix(".* |") || $0.hasSuffix("…. |") })
    }

    @Test func `the schema knows every key of a configuration that says all`() throws {
        let configuration = try TributaryConfiguration.decode("{}", file: "/etc/t.yaml").json
        guard case .object(let members) = configuration else { return #expect(Bool(false)) }
        for member in members {
            let known = ConfigurationReference.schema["properties"][member.name]
            #expect(known != .null, "\(member.name)")
            guard case .object(let inner) = member.value else { continue }
            for key in inner { #expect(known["properties"][key.name] != .null, "\(member.name).\(key.name)") }
        }
    }
}
