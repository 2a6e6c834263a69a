import Wire

/// What a search reads to skip a row: the sources and types of its events, and a filter over their ids, subjects and
/// partition keys.
///
/// Layout: `u16 count` and text16 sources, `u16 count` and text16 types, then the filter's bytes.
struct BatchSummary {
    private(set) var sources: [String] = []
    private(set) var types: [String] = []
    private var sourceHashes: [UInt64] = []
    private var typeHashes: [UInt64] = []
    private var nameHashes: [UInt64] = []
    private var stored: BloomFilter?

    init() {}

    init(stored bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(bytes)
        for _ in 0..<(try reader.u16()) { sources.append(try reader.text16()) }
        for _ in 0..<(try reader.u16()) { types.append(try reader.text16()) }
        stored = BloomFilter(stored: reader.rest)
    }

    /// Adds one event.
    mutating func add(source: UnsafeRawBufferPointer, type: UnsafeRawBufferPointer?, names: [UnsafeRawBufferPointer?]) {
        let sourceHash = EventHash.bytes(source)
        if !sourceHashes.contains(sourceHash) {
            sourceHashes.append(sourceHash)
            sources.append(String(decoding: source, as: UTF8.self))
        }
        if let type {
            let typeHash = EventHash.bytes(type)
            if !typeHashes.contains(typeHash) {
                typeHashes.append(typeHash)
                types.append(String(decoding: type, as: UTF8.self))
            }
        }
        for name in names {
            if let name, !name.isEmpty { nameHashes.append(EventHash.bytes(name)) }
        }
    }

    /// Whether an id, subject or partition key with that hash may be among the events.
    func mayName(_ hash: UInt64) -> Bool {
        stored?.mayContain(hash) ?? nameHashes.contains(hash)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingBytes: 256)
        writer.u16(UInt16(truncatingIfNeeded: sources.count))
        for source in sources { writer.text16(source) }
        writer.u16(UInt16(truncatingIfNeeded: types.count))
        for type in types { writer.text16(type) }
        writer.raw(BloomFilter(nameHashes).bytes)
        return writer.bytes
    }
}
