import ArgumentParser
import Foundation
import JSON
import Providers

struct TypesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "types",
        abstract: "Lists the canonical types of events, and what each provider's events become.",
        discussion: """
            Examples:
              tributary types                                  every type and its meaning
              tributary types --json
                  the same with the providers' tables
              tributary types --schema participant             the JSON Schema of a family
              tributary types --markdown
                  the page about the vocabulary

            Nothing is read but the program itself: no configuration, no stage.
            """)

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @Flag(help: "Print the page about the vocabulary.")
    var markdown = false

    @Option(help: ArgumentHelp("Print the JSON Schema of the events of a family.", valueName: "family"))
    var schema: String?

    @Option(
        help: ArgumentHelp("Write the page and the schemas of all families into a folder.", valueName: "folder"))
    var writeDocumentation: String?

    func validate() throws {
        let asked = [json, markdown, schema != nil, writeDocumentation != nil].count { $0 }
        if asked > 1 {
            throw ValidationError("--json, --markdown, --schema and --write-documentation exclude one another.")
        }
        if let schema, CanonicalVocabulary.family(named: schema) == nil {
            let families = CanonicalVocabulary.families.map(\.name).joined(separator: ", ")
            throw ValidationError("There is no family \"\(schema)\"; the families are \(families).")
        }
    }

    func run() throws {
        if let schema, let text = FamilySchema.json(schema) {
            print(text, terminator: "")
        } else if let writeDocumentation {
            try write(URL(filePath: writeDocumentation, directoryHint: .isDirectory))
        } else if markdown {
            print(VocabularyPage.markdown, terminator: "")
        } else if json {
            print(Self.everything.indented())
        } else {
            for family in CanonicalVocabulary.families {
                print("\(family.name): \(family.summary)")
                for type in family.types {
                    print("  \(type.name.padding(toLength: 30, withPad: " ", startingAt: 0)) \(type.meaning)")
                }
            }
        }
    }

    private func write(_ folder: URL) throws {
        let schemas = folder.appending(path: "Schemas", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: schemas, withIntermediateDirectories: true)
        try Data(VocabularyPage.markdown.utf8).write(to: folder.appending(path: "VOCABULARY.md"))
        for family in CanonicalVocabulary.families {
            guard let text = FamilySchema.json(family.name) else { continue }
            try Data(text.utf8).write(to: schemas.appending(path: "\(family.name).json"))
        }
        print("Wrote VOCABULARY.md and \(CanonicalVocabulary.families.count) schemas into \(folder.path).")
    }

    /// Types with the providers' lines that lead to them.
    private static var everything: JSONValue {
        let rows = ProviderTable.rows
        let all = JSONText.array(
            CanonicalVocabulary.families.flatMap(\.types).map { type in
                let lines = rows.filter { $0.type.canonicalType == type.name }.map { row in
                    JSONText.object([
                        "provider": .string(row.provider.name), "providertype": .string(row.type.providerType),
                        "subject": .string(row.type.subject), "partitionkey": .string(row.type.partitionKey),
                        "id": .string(row.idSource.filter { $0 != "`" }),
                        "time": .string(row.timeSource.filter { $0 != "`" }),
                    ])
                }
                return .object([
                    "type": .string(MappedType.prefix + type.name), "meaning": .string(type.meaning),
                    "events": .array(lines),
                ])
            })
        return JSONValue.read(all.bytes) ?? .null
    }
}
