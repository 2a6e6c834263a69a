import SeededRandom
import Testing
import WebhookSamples

@testable import Normalisation

struct AttributeTextTests {
    private func text(_ bytes: [UInt8]) -> [UInt8] {
        var written: [UInt8] = []
        bytes.withUnsafeBytes { AttributeText.append($0, to: &written) }
        return written
    }

    private func text(_ string: String) -> String {
        String(decoding: text(Array(string.utf8)), as: UTF8.self)
    }

    @Test func `ordinary text stays as it is`() {
        for string in ["livestream:town hall/42", "100%", "é€𝄞😀", "~!@#$^&*()", "\u{fffd}"] {
            #expect(text(string) == string)
        }
    }

    @Test func `control characters and noncharacters are percent-encoded`() {
        #expect(text("a\nb\u{0}c\u{7f}") == "a%0Ab%00c%7F")
        #expect(text("\u{85}\u{9f}") == "%C2%85%C2%9F")
        let noncharacters: [UInt8] = [0xEF, 0xB7, 0x90, 0xEF, 0xBF, 0xBF, 0xF0, 0x9F, 0xBF, 0xBE]
        #expect(text(noncharacters) == Array("%EF%B7%90%EF%BF%BF%F0%9F%BF%BE".utf8))
    }

    @Test func `bytes that are not UTF-8 are percent-encoded`() {
        #expect(text([0x61, 0xFF, 0xC3]) == Array("a%FF%C3".utf8))
        #expect(text([0xED, 0xA0, 0x80]) == Array("%ED%A0%80".utf8))
        #expect(text([0xC1, 0x81, 0xF4, 0x90, 0x80, 0x80]) == Array("%C1%81%F4%90%80%80".utf8))
    }

    @Test func `long text is cut between characters`() {
        let cut = text(Array(String(repeating: "€", count: 5000).utf8))
        #expect(cut.count <= AttributeText.maxBytes && cut.count.isMultiple(of: 3))
        #expect(text([UInt8](repeating: 0, count: 5000)).count <= AttributeText.maxBytes)
    }

    @Test func `whatever comes in, valid UTF-8 without control characters comes out`() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<5000 {
            let count = Int.random(in: 0...12, using: &generator)
            let written = text((0..<count).map { _ in .random(in: 0...255, using: &generator) })
            let string = String(validating: written, as: UTF8.self)
            #expect(string?.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) } == true)
        }
    }
}
