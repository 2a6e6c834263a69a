/// A file to which events are appended, one line of CloudEvents JSON each: an operator's audit trail.
package struct FileDestinationConfiguration: DestinationConfiguration {
    package static let word = "file"
    package static let formats = [SubscriptionFormat.cloudevents]

    /// In the folder that `router.file_destinations` names: below it, or the whole path.
    package var path = ""
    package var rotateAtBytes = 100 << 20
    package var keep = 10

    package init() {}

    package static let table = FieldTable<FileDestinationConfiguration>(
        { FileDestinationConfiguration() }, rules: [{ destination, section in check(destination, section) }],
        [
            Field(
                "path", \.path, .text(expected),
                "A file below the folder of router.file_destinations; events are appended, a line each.",
                required: expected),
            Field(
                "rotate_at", \.rotateAtBytes, .integer(65_536...(1 << 40)),
                "The file is put aside before it would have more bytes; one larger delivery has a file of its own."),
            Field(
                "keep", \.keep, .integer(1...100),
                "How many files put aside are kept, as <path>.1 (the newest), <path>.2 and so on."),
        ])

    private static let expected = "the path of a file below router.file_destinations, such as audit.jsonl"

    package var place: String { path }

    package func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        guard let folder = router.fileDestinations else {
            return (
                "path",
                "files are written only below the folder of router.file_destinations, and the configuration names none; "
                    + "the operator must set it"
            )
        }
        guard names(below: folder) == nil else { return nil }
        return (
            "path", "expected a path below \(folder) (router.file_destinations), without . and .., found \"\(path)\""
        )
    }

    /// The names that lead to the file from the allowed folder; nil where it does not lie there.
    package func names(below folder: String) -> [String]? {
        var rest = Array(path.utf8)[...]
        if rest.first == UInt8(ascii: "/") {
            let base = Array((folder.hasSuffix("/") ? folder : folder + "/").utf8)
            guard rest.starts(with: base) else { return nil }
            rest = rest.dropFirst(base.count)
        }
        let names = rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        return names.allSatisfy { !["", ".", ".."].contains($0) } ? names : nil
    }

    private static func check(_ destination: FileDestinationConfiguration, _ section: Section) {
        guard section.isRight("path") else { return }
        let names = destination.path.split(separator: "/")
        let ending = names.last?.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
        if !destination.path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            || names.contains(where: { $0.utf8.count > 240 })
        {
            section.report("path", "expected \(expected), of printable characters and names of 240 bytes at most")
        } else if names.last?.contains(".") == true, Int(ending) != nil {
            section.report("path", "a name that ends in a dot and a number is that of a file put aside; choose another")
        } else if !section.decoding.isDocument, let refusal = destination.refusal(by: section.decoding.router) {
            section.report(refusal.key, refusal.sentence)
        }
    }
}
