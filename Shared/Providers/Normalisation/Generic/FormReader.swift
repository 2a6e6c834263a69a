import Events
import JSON
import Primitives
import Wire

/// Turns a form (`application/x-www-form-urlencoded`, WHATWG URL) into a JSON object of strings, because subscribers
/// get JSON. Parameters keep their order; one that is repeated becomes an array at its first place.
enum FormReader {
    /// The most parameters that are taken, repeated ones counted each time.
    static let mostParameters = 1000

    /// Writes the object to `json`; false, with nothing kept of it, where an escape is damaged, a text is not UTF-8, or
    /// there are too many parameters.
    static func write(_ body: UnsafeRawBufferPointer, into json: inout [UInt8]) -> Bool {
        json.removeAll(keepingCapacity: true)
        var names: [[UInt8]] = []
        var values: [[[UInt8]]] = []
        var places: [[UInt8]: Int] = [:]
        var count = 0
        var isSound = true
        QueryText.forEachParameter(body) { name, value in
            guard count < mostParameters, let name = text(name), let value = text(value) else {
                isSound = false
                return false
            }
            count += 1
            if let place = places[name] {
                values[place].append(value)
            } else {
                places[name] = names.count
                names.append(name)
                values.append([value])
            }
            return true
        }
        guard isSound else { return false }
        var writer = ByteWriter()
        for (place, name) in names.enumerated() {
            writer.u8(place == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
            string(name, to: &writer)
            writer.u8(UInt8(ascii: ":"))
            guard values[place].count > 1 else {
                string(values[place][0], to: &writer)
                continue
            }
            for (index, value) in values[place].enumerated() {
                writer.u8(index == 0 ? UInt8(ascii: "[") : UInt8(ascii: ","))
                string(value, to: &writer)
            }
            writer.u8(UInt8(ascii: "]"))
        }
        if names.isEmpty { writer.u8(UInt8(ascii: "{")) }
        writer.u8(UInt8(ascii: "}"))
        json.append(contentsOf: writer.bytes)
        return true
    }

    private static func text(_ encoded: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let bytes = PercentCoding.decode(encoded, plusIsSpace: true),
            String(validating: bytes, as: UTF8.self) != nil
        else { return nil }
        return bytes
    }

    private static func string(_ text: [UInt8], to writer: inout ByteWriter) {
        writer.u8(UInt8(ascii: "\""))
        text.withUnsafeBytes { JSONString.append(repairing: $0, to: &writer.bytes) }
        writer.u8(UInt8(ascii: "\""))
    }
}
