import Testing

@testable import Tributary

@Suite struct TableTests {
    @Test func `tables are aligned and show control characters`() {
        var table = Table(["A", "LONG"])
        table.add(["x\u{1B}[2J", "y"])
        #expect(table.text == "A           LONG\nx\\u{1b}[2J  y")
    }
}
