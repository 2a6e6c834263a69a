import NIOCore
package import NIOHTTP1
internal import Wire

/// The head of a request that `HeadRules` took, in the bytes in which it came: nothing of it is copied before somebody
/// asks.
package struct ReceivedHead {
    /// As far as listeners tell them apart.
    package enum Method: Sendable {
        case post, options, head, other
    }

    package let method: Method
    /// From the method to the empty line, both included.
    private let bytes: ByteBuffer
    private let line: HeadRules.RequestLine

    init(_ bytes: ByteBuffer, _ line: HeadRules.RequestLine) {
        self.bytes = bytes
        self.line = line
        method = bytes.withUnsafeReadableBytes { all in
            let name = all.part(line.method)
            if name.equals("POST") { return .post }
            if name.equals("OPTIONS") { return .options }
            return name.equals("HEAD") ? .head : .other
        }
    }

    /// As sent.
    fileprivate var methodName: String { text(line.method) }
    fileprivate var target: String { text(line.target) }

    private func text(_ part: Range<Int>) -> String {
        bytes.withUnsafeReadableBytes { String(decoding: $0.part(part), as: UTF8.self) }
    }

    /// The target as sent.
    package func withTarget(_ body: (UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeReadableBytes { body($0.part(line.target)) }
    }

    package var targetBytes: Int { line.target.count }

    /// Names as sent and trimmed values, in their order.
    package func forEachField(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeReadableBytes { all in
            // Behind the version stands the end of its line, and at the end of all an empty line.
            var rest = all.part(line.version.upperBound + 2..<all.count - 2)
            while let end = rest.firstLineEnd {
                if let (name, value) = rest.part(0..<end - 1).asField() { body(name, value) }
                rest = rest.part(end + 1..<rest.count)
            }
        }
    }

    /// The values of the fields of that name, which is in small letters and hyphens.
    package func values(_ name: StaticString) -> [String] {
        var values: [String] = []
        forEachField { other, value in
            if other.isWord(name) { values.append(String(decoding: value, as: UTF8.self)) }
        }
        return values
    }
}

extension HTTPRequestHead {
    /// For those who go on in NIO's terms.
    package init(_ head: ReceivedHead, _ facts: HeadFacts) {
        var fields: [(String, String)] = []
        head.forEachField { fields.append((String(decoding: $0, as: UTF8.self), String(decoding: $1, as: UTF8.self))) }
        self.init(
            version: facts.isVersion10 ? .http1_0 : .http1_1, method: HTTPMethod(rawValue: head.methodName),
            uri: head.target, headers: HTTPHeaders(fields))
    }
}
