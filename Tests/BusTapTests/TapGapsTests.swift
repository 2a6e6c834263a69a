import TapPrinting
import Testing
import Wire

@Suite struct TapGapsTests {
    private let journal = JournalID(high: 1, low: 2)
    private let verifier = HelloNotice(role: .verifier, instance: "verifier-0")

    private func header(boot: UInt64, number: UInt64, count: Int) -> LinkHeader {
        LinkHeader(kind: .tap, bootID: boot, number: number, count: count, bodyBytes: 0)
    }

    @Test func `a number that was left out says how many records were skipped`() {
        var gaps = TapGaps()
        #expect(gaps.begin(header(boot: 1, number: 40, count: 2), at: verifier, isLate: false) == nil)
        #expect(gaps.begin(header(boot: 1, number: 42, count: 1), at: verifier, isLate: false) == nil)
        #expect(gaps.begin(header(boot: 1, number: 50, count: 1), at: verifier, isLate: false) == .skipped(7))
    }

    @Test func `after a restart the sequences say what was not seen`() {
        var gaps = TapGaps()
        _ = gaps.begin(header(boot: 1, number: 0, count: 2), at: verifier, isLate: false)
        #expect(gaps.see(journal, 10, at: .verifier) == nil)
        #expect(gaps.see(journal, 11, at: .verifier) == nil)
        #expect(gaps.begin(header(boot: 2, number: 0, count: 2), at: verifier, isLate: false) == .restarted)
        // What is sent again after the death is no gap, and does not hide one.
        #expect(gaps.see(journal, 11, at: .verifier) == nil)
        #expect(gaps.see(journal, 15, at: .verifier) == .missed(journal, first: 12, last: 14))
        #expect(gaps.see(journal, 20, at: .verifier) == nil, "between workers order is no promise")
    }

    @Test func `a restart that lost nothing is said as that`() {
        var gaps = TapGaps()
        _ = gaps.begin(header(boot: 1, number: 0, count: 1), at: verifier, isLate: false)
        _ = gaps.see(journal, 10, at: .verifier)
        #expect(gaps.begin(header(boot: 2, number: 0, count: 1), at: verifier, isLate: false) == .restarted)
        #expect(gaps.see(journal, 11, at: .verifier) == nil)
    }

    @Test func `what passed an instance that started later is told by what the others showed`() {
        var gaps = TapGaps()
        _ = gaps.begin(header(boot: 1, number: 0, count: 1), at: verifier, isLate: false)
        _ = gaps.see(journal, 10, at: .verifier)
        let second = HelloNotice(role: .verifier, instance: "verifier-1")
        #expect(gaps.begin(header(boot: 7, number: 3, count: 1), at: second, isLate: true) == nil)
        #expect(gaps.see(journal, 13, at: .verifier) == .missed(journal, first: 11, last: 12))
    }
}
