import Events
import Glibc

/// One pattern of a filter, compiled: most are whole words or beginnings, which cost one comparison of memory.
enum AttributePattern: Sendable {
    case anything
    case exactly([UInt8])
    case beginning([UInt8])
    case wildcard(WildcardPattern)

    /// `*` stands for any number of any characters.
    init(_ pattern: String) {
        let bytes = Array(pattern.utf8)
        let star = UInt8(ascii: "*")
        switch bytes.firstIndex(of: star) {
        case nil: self = .exactly(bytes)
        case 0? where bytes.allSatisfy { $0 == star }: self = .anything
        case let index? where index == bytes.count - 1: self = .beginning(Array(bytes.dropLast()))
        default: self = .wildcard(WildcardPattern(pattern))
        }
    }

    @inline(__always)
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .anything: true
        case .exactly(let bytes): text.count == bytes.count && Self.begins(text, with: bytes)
        case .beginning(let bytes): text.count >= bytes.count && Self.begins(text, with: bytes)
        case .wildcard(let pattern): pattern.matches(text)
        }
    }

    @inline(__always)
    private static func begins(_ text: UnsafeRawBufferPointer, with bytes: [UInt8]) -> Bool {
        guard let start = text.baseAddress else { return bytes.isEmpty }
        return bytes.withUnsafeBytes { $0.isEmpty || memcmp(start, $0.baseAddress!, $0.count) == 0 }
    }
}
