import Providers

extension ConfigurationDecoder {
    private static let answerBodyBytes = 4096

    /// What a source's webhooks are answered when they are accepted; nil where the source does not say, or after a report.
    func answer(_ source: Section) -> SuccessAnswer? {
        guard let value = source.optional("answer"),
            let section = Section(value, keys: ["status", "body", "content_type"], problems: problems)
        else { return nil }
        let status = section.integer("status", default: 200, in: 200...299)
        let body = section.text(section.optional("body"), expected: "a text; an empty answer has no body key") ?? ""
        if let value = section.optional("body"), body.utf8.count > Self.answerBodyBytes || status == 204 {
            problems.report(
                value, status == 204 ? "204 has no body" : "expected at most \(Self.answerBodyBytes) bytes")
            return nil
        }
        let expected = "a media type such as application/json"
        let type = section.text(section.optional("content_type"), expected: expected) ?? "application/json"
        guard type.utf8.count <= 127, type.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            if let value = section.optional("content_type") { problems.report(value, "expected \(expected)") }
            return nil
        }
        return SuccessAnswer(status: status, body: body, contentType: type)
    }
}
