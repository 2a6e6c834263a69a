/// A recording of a tap: its transmissions one after the other, each as its three frames (link header, `TapNotice`, batch)
/// with a `u32` length before each.
package enum Recording {
    /// Appends a transmission whose batch holds `count` records.
    package static func append(
        _ header: LinkHeader, _ notice: TapNotice, batch: [UInt8], count: Int, to writer: inout ByteWriter
    ) {
        var header = header
        header.count = UInt32(clamping: count)
        header.bodyBytes = UInt32(clamping: batch.count)
        frame(&writer) { header.write(to: &$0) }
        frame(&writer) { notice.write(to: &$0) }
        frame(&writer) { $0.raw(batch) }
    }

    private static func frame(_ writer: inout ByteWriter, _ write: (inout ByteWriter) -> Void) {
        let start = writer.count
        writer.u32(0)
        write(&writer)
        writer.patchU32(UInt32(clamping: writer.count - start - 4), at: start)
    }
}

/// Reads a recording piece by piece.
package struct RecordingReader {
    /// One transmission of a tap.
    package struct Transmission {
        package let header: LinkHeader
        package let notice: TapNotice
        /// Length-prefixed envelopes.
        package let batch: [UInt8]
    }

    /// The next bytes; none at the end.
    private let read: () -> [UInt8]
    private var bytes: [UInt8] = []
    private var place = 0

    package init(_ read: @escaping () -> [UInt8]) {
        self.read = read
    }

    /// Nil at the end. Throws `truncated` where the recording ends within a transmission, as when its writer was killed,
    /// and something else where it is no recording.
    package mutating func next() throws(WireError) -> Transmission? {
        guard let prefix = try take(4, isFirst: true) else { return nil }
        // A length that is none is noticed before it is read.
        guard prefix == [UInt8(LinkHeader.byteCount), 0, 0, 0] else { throw .unknownMagic }
        let header = try decode(try take(LinkHeader.byteCount) ?? [], LinkHeader.init)
        guard header.kind == .tap else { throw .unknownKind }
        let notice = try decode(try frame(), TapNotice.init(body:))
        let batch = try frame()
        guard batch.count == Int(header.bodyBytes) else { throw .badLength }
        return Transmission(header: header, notice: notice, batch: batch)
    }

    private mutating func frame() throws(WireError) -> [UInt8] {
        let length = try decode(try take(4) ?? []) { bytes throws(WireError) in
            var reader = ByteReader(bytes)
            return Int(try reader.u32())
        }
        return try take(length) ?? []
    }

    private func decode<Value>(
        _ bytes: [UInt8], _ read: (UnsafeRawBufferPointer) throws(WireError) -> Value
    ) throws(WireError) -> Value {
        let result = bytes.withUnsafeBytes { bytes -> Result<Value, WireError> in
            do throws(WireError) { return .success(try read(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// The next `count` bytes; nil where there is nothing any more and `isFirst`.
    private mutating func take(_ count: Int, isFirst: Bool = false) throws(WireError) -> [UInt8]? {
        if bytes.count - place < count {
            bytes.removeFirst(place)
            place = 0
        }
        while bytes.count < place + count {
            let more = read()
            if more.isEmpty {
                if isFirst, bytes.isEmpty { return nil }
                throw .truncated
            }
            bytes += more
        }
        defer { place += count }
        return Array(bytes[place..<place + count])
    }
}

extension WireError {
    /// What is wrong with the recording that was read; follows on its name.
    package var asRecording: String {
        self == .truncated
            ? "ends within a record; what is before it was read" : "is no recording of bus-tap (\(rawValue))"
    }
}
