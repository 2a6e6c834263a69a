import Primitives
import Testing

struct ProtobufFieldsTests {
    private func walk(_ bytes: [UInt8]) -> (fields: [String], isWhole: Bool) {
        bytes.withUnsafeBytes { bytes in
            var (fields, seen) = (ProtobufFields(bytes), [String]())
            while let field = fields.next() {
                seen.append(
                    "\(field.number): \(field.content.map { "\(Array($0))" } ?? field.value.map { "\($0)" } ?? "-")")
            }
            return (seen, fields.isAtEnd)
        }
    }

    @Test func `what is written is read again`() {
        let long = [UInt8](repeating: 7, count: 200)
        let bytes =
            ProtobufFields.field(1, [0x61]) + ProtobufFields.field(2, 300) + ProtobufFields.field(16, long)
            + ProtobufFields.field(3, .max)
        #expect(bytes.prefix(9) == [0x0A, 0x01, 0x61, 0x10, 0xAC, 0x02, 0x82, 0x01, 0xC8])
        let seen = walk(bytes)
        #expect(seen.fields == ["1: [97]", "2: 300", "16: \(long)", "3: \(UInt64.max)"] && seen.isWhole)
    }

    @Test func `fields of fixed length are passed over, and what is no field ends the walk`() {
        let fixed: [UInt8] = [0x09] + [UInt8](repeating: 0, count: 8) + [0x15, 0, 0, 0, 0]
        #expect(walk(fixed).fields == ["1: -", "2: -"] && walk(fixed).isWhole)
        for broken in [[0x0A, 0x02, 0x61], [0x09, 0], [0x15], [0x0B], [0x00], [0x08, 0x80]] as [[UInt8]] {
            #expect(walk(broken).fields.isEmpty && !walk(broken).isWhole, "\(broken)")
        }
    }
}
