import Wire

/// An input as a request: lines of `name: value`, an empty line, the body; without an empty line all of it is body.
/// Pseudo-fields, which the ingress writes, may be among the fields.
struct HostileRequest {
    var fields: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
    var body: ArraySlice<UInt8>

    init(_ input: ArraySlice<UInt8>) {
        var rest = input
        var fields = fields
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if line.isEmpty {
                self.fields = fields
                body = rest
                return
            }
            guard fields.count < 64, let colon = line.dropFirst().firstIndex(of: UInt8(ascii: ":")) else { break }
            fields.append((line[..<colon], line[(colon + 1)...].drop { $0 == 0x20 }))
        }
        body = input
    }

    /// The record that the ingress would make of it, without length prefix.
    func record(source: String, receivedAtNanoseconds: Int64 = HostileRequest.receivedAtNanoseconds) -> [UInt8] {
        var writer = ByteWriter(reservingBytes: body.count + 1024)
        Array(source.utf8).withUnsafeBytes { name in
            writer.openEnvelope(source: name, receivedAtNanoseconds: receivedAtNanoseconds) { sections in
                sections.section(.requestHead) { section in
                    var head = RequestHeadWriter(to: &section)
                    for field in fields {
                        field.name.withUnsafeBytes { name in
                            field.value.withUnsafeBytes { head.field(name, $0, to: &section) }
                        }
                    }
                    head.end(in: &section)
                }
                body.withUnsafeBytes { sections.section(.body, $0) }
            }
        }
        var bytes = Array(writer.bytes.dropFirst(4))
        bytes.withUnsafeMutableBytes { EnvelopePatch.seal($0, journal: JournalID(high: 7, low: 8), sequence: 9) }
        return bytes
    }

    /// 2026-01-01T00:00:00Z.
    static let receivedAtNanoseconds: Int64 = 1_767_225_600_000_000_000

    /// The input that reads as this request.
    static func seed(_ fields: [(name: String, value: String)], _ body: [UInt8]) -> [UInt8] {
        fields.flatMap { Array("\($0.name.lowercased()): \($0.value)\n".utf8) } + Array("\n".utf8) + body
    }
}
