import Primitives
import Testing

struct Base64Tests {
    @Test func `base64 has one spelling`() {
        func decode(_ text: String) -> [UInt8]? { Array(text.utf8).withUnsafeBytes { Base64.decode($0) } }
        for (text, plain) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            #expect(decode(text) == Array(plain.utf8))
            #expect(Array(plain.utf8).withUnsafeBytes { Base64.encode($0) } == text)
        }
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zm-_", "=", "====", "Zg==Zg==", "Z===", "Zm 9"] {
            #expect(decode(text) == nil, "\(text)")
        }
        let every = (0...255).map { UInt8($0) }
        #expect(decode(every.withUnsafeBytes { Base64.encode($0) }) == every)
    }

    @Test func `for URLs there is an alphabet of its own, and no padding`() {
        for text in ["", "Zg", "Zm8", "Zm9v", "-_-_", "-_8"] {
            let bytes = Array(text.utf8).withUnsafeBytes { Base64.decode($0, as: .urlUnpadded) }
            #expect(bytes.map { $0.withUnsafeBytes { Base64.encode($0, as: .urlUnpadded) } } == text)
        }
    }

    @Test func `what dashboards show may lack its padding`() {
        for text in ["Zg", "Zg==", "Zm8", "Zm9v"] { #expect(Base64.decode(unpadded: text.utf8) != nil, "\(text)") }
        for text in ["Z", "Zg=", "Zm-_"] { #expect(Base64.decode(unpadded: text.utf8) == nil, "\(text)") }
    }
}
