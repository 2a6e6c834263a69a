import Primitives

/// One span of a trace, and how spans are written as OTLP (opentelemetry-proto 1.x, `ExportTraceServiceRequest`).
struct TraceSpan: Sendable, Equatable {
    /// The numbers of `Span.SpanKind`.
    enum Kind: UInt64, Sendable {
        case server = 2
        case client = 3
        case consumer = 5
    }

    enum Attribute: Sendable, Equatable {
        case text(String)
        case number(Int)
    }

    var trace: UInt128
    var span: UInt64
    /// 0 where it is the first.
    var parent: UInt64
    var name: String
    var kind: Kind
    /// Nanoseconds since 1970.
    var startedNanoseconds: Int64
    var endedNanoseconds: Int64
    /// Which process it was: executable and instance.
    var service: String
    var instance: String
    var attributes: [(name: String, value: Attribute)] = []
    var hasFailed = false

    static func == (first: TraceSpan, second: TraceSpan) -> Bool {
        first.trace == second.trace && first.span == second.span
    }

    /// All spans as one request, those of a process together.
    static func request(_ spans: [TraceSpan]) -> [UInt8] {
        var byInstance: [String: [TraceSpan]] = [:]
        for span in spans { byInstance[span.instance, default: []].append(span) }
        return byInstance.sorted { $0.key < $1.key }.flatMap { _, spans in
            let service = attribute("service.name", .text(spans[0].service))
            let instance = attribute("service.instance.id", .text(spans[0].instance))
            let resource = ProtobufFields.field(1, service) + ProtobufFields.field(1, instance)
            let scope = ProtobufFields.field(1, Array("tributary".utf8))
            let scopeSpans =
                ProtobufFields.field(1, scope) + spans.flatMap { ProtobufFields.field(2, $0.encoded) }
            return ProtobufFields.field(1, ProtobufFields.field(1, resource) + ProtobufFields.field(2, scopeSpans))
        }
    }

    private var encoded: [UInt8] {
        var bytes = ProtobufFields.field(1, Self.bigEndian(trace)) + ProtobufFields.field(2, Self.bigEndian(span))
        if parent != 0 { bytes += ProtobufFields.field(4, Self.bigEndian(parent)) }
        bytes += ProtobufFields.field(5, Array(name.utf8)) + ProtobufFields.field(6, kind.rawValue)
        bytes += ProtobufFields.field(7, fixed: UInt64(max(0, startedNanoseconds)))
        bytes += ProtobufFields.field(8, fixed: UInt64(max(0, endedNanoseconds)))
        for (name, value) in attributes { bytes += ProtobufFields.field(9, Self.attribute(name, value)) }
        // Status.code: 2 is an error, and none is unset.
        if hasFailed { bytes += ProtobufFields.field(15, ProtobufFields.field(3, 2)) }
        return bytes
    }

    /// A `KeyValue`.
    private static func attribute(_ name: String, _ value: Attribute) -> [UInt8] {
        let any =
            switch value {
            case .text(let text): ProtobufFields.field(1, Array(text.utf8))
            case .number(let number): ProtobufFields.field(3, UInt64(bitPattern: Int64(number)))
            }
        return ProtobufFields.field(1, Array(name.utf8)) + ProtobufFields.field(2, any)
    }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
