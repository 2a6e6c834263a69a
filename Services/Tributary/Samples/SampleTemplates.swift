/// The samples of `samples.txt`, which says how it is written.
struct SampleTemplates: Sendable {
    private struct Row {
        let type: String
        let text: Substring
        let body: Substring
        let ids: Substring
    }

    static let catalogues: [SampleCatalogue] = {
        let text = String(decoding: PackageResources.samples_txt, as: UTF8.self).replacing("\\\n", with: "")
        return text.split(separator: "\n== ").dropFirst().map { section in
            let end = section.firstIndex(of: "\n") ?? section.endIndex
            let words = section[..<end].split(separator: " ")
            let takesAnyType = words.contains("any")
            let samples = SampleTemplates(section[end...], ids: words.contains("uncounted") ? "" : "$id")
            return SampleCatalogue(
                String(words[0]), samples.rows.map(\.type),
                contentType: words.first { $0.contains("/") }.map(String.init) ?? "application/json",
                takesAnyType: takesAnyType
            ) { order in
                let row = samples.rows.first { $0.type == order.type } ?? (takesAnyType ? samples.rows.first : nil)
                return row.map { samples.body(order, $0) }
            }
        }
    }()

    private var rows: [Row] = []
    private var definitions: [Substring: Substring] = [:]

    private init(_ section: Substring, ids: Substring) {
        definitions = ["body": "$row", "ids": ids]
        for line in section.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            let rest = parts.count == 2 ? parts[1] : ""
            if line.hasPrefix("$") {
                definitions[parts[0].dropFirst()] = rest.hasPrefix("= ") ? rest.dropFirst(2) : ""
            } else {
                rows.append(
                    Row(
                        type: String(parts[0]), text: rest, body: definitions["body"] ?? "",
                        ids: definitions["ids"] ?? ""))
            }
        }
    }

    private func body(_ order: SampleOrder, _ row: Row) -> SampleBody {
        let ids = expand(row.ids, order, [:]).split(separator: " ").map(String.init)
        return SampleBody(expand(row.body, order, ["row": expand(row.text, order, [:])]), eventIDs: ids)
    }

    private func expand(_ text: Substring, _ order: SampleOrder, _ values: [Substring: String]) -> String {
        var (expanded, rest) = ("", text)
        while let mark = rest.firstIndex(of: "$") {
            expanded += rest[..<mark]
            rest = rest[mark...].dropFirst()
            let name = rest.prefix { $0.isLetter || $0.isNumber }
            rest = rest.dropFirst(name.count)
            var arguments: [Substring: String] = [:]
            if rest.first == "(" {
                for (index, argument) in Self.takeArguments(&rest).enumerated() {
                    arguments["\(index + 1)"] = expand(argument, order, values)
                }
            }
            if let definition = definitions[name] {
                expanded += expand(definition, order, arguments)
            } else {
                expanded += values[name] ?? order.value(name) ?? (name.allSatisfy(\.isNumber) ? "" : "$\(name)")
            }
        }
        return expanded + rest
    }

    /// Takes `(a|b)`, whose parts may have arguments of their own.
    private static func takeArguments(_ rest: inout Substring) -> [Substring] {
        var (depth, arguments) = (0, [Substring]())
        var start = rest.index(after: rest.startIndex)
        for index in rest.indices {
            switch rest[index] {
            case "(": depth += 1
            case ")": depth -= 1
            case "|" where depth == 1: break
            default: continue
            }
            guard depth < 2, depth == 0 || rest[index] == "|" else { continue }
            arguments.append(rest[start..<index])
            start = rest.index(after: index)
            if depth == 0 { break }
        }
        rest = rest[start...]
        return arguments
    }
}
