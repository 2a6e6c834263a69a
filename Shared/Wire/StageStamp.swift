/// The stages of the pipeline in the order of the way; the raw value is on the wire.
package enum StageRole: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case ingress = 1
    case verifier = 2
    case normaliser = 3
    case router = 4

    /// The word used in metrics, tap, API and socket names.
    package var description: String {
        switch self {
        case .ingress: "ingress-gateway"
        case .verifier: "verifier"
        case .normaliser: "normaliser"
        case .router: "fanout-router"
        }
    }

    /// The stage that feeds this one; nil for the ingress.
    package var upstream: StageRole? { StageRole(rawValue: rawValue - 1) }

    /// The number at the end of an instance's name; 0 where there is none.
    package static func number(of instance: String) -> Int {
        instance.split(separator: "-").last.flatMap { Int($0) } ?? 0
    }
}

/// When one stage took a record up and put it down: `u8 stage`, `u8 length` and instance name, `i64 started`,
/// `i64 finished`, both in nanoseconds since 1970.
package struct StageStamp: Equatable, Sendable {
    package var stage: StageRole
    package var instance: String
    package var startedNanoseconds: Int64
    package var finishedNanoseconds: Int64

    package init(stage: StageRole, instance: String, startedNanoseconds: Int64, finishedNanoseconds: Int64) {
        self.stage = stage
        self.instance = instance
        self.startedNanoseconds = startedNanoseconds
        self.finishedNanoseconds = finishedNanoseconds
    }

    package init(_ section: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(section)
        guard let stage = StageRole(rawValue: try reader.u8()) else { throw .unknownKind }
        self.stage = stage
        instance = try reader.text8()
        startedNanoseconds = try reader.i64()
        finishedNanoseconds = try reader.i64()
    }

    package func write(to writer: inout ByteWriter) {
        writer.section(.stamp) { section in
            section.u8(stage.rawValue)
            section.text8(instance)
            section.i64(startedNanoseconds)
            section.i64(finishedNanoseconds)
        }
    }

    /// The stamps of one instance, which differ in their times alone.
    package struct Mould: Sendable {
        private let bytes: [UInt8]

        package init(stage: StageRole, instance: String) {
            var writer = ByteWriter()
            StageStamp(stage: stage, instance: instance, startedNanoseconds: 0, finishedNanoseconds: 0)
                .write(to: &writer)
            bytes = writer.bytes
        }

        /// In nanoseconds since 1970.
        package func write(started: Int64, finished: Int64, to writer: inout ByteWriter) {
            bytes.withUnsafeBytes { bytes in
                writer.append(bytes.count) { room in
                    room.copyMemory(from: bytes)
                    room.storeBytes(of: started.littleEndian, toByteOffset: bytes.count - 16, as: Int64.self)
                    room.storeBytes(of: finished.littleEndian, toByteOffset: bytes.count - 8, as: Int64.self)
                }
            }
        }
    }
}
