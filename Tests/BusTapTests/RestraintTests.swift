import Testing

@testable import BusTap

@Suite struct RestraintTests {
    @Test func `a tap that had to wait for a processor takes 4 percent of one`() {
        #expect(Restraint.rest(after: .init(ran: 2_000_000, waited: 1_000_000)) == 48_000_000)
        #expect(Restraint.rest(after: .init(ran: 400_000_000, waited: 400_000_000)) == 500_000_000)
    }

    @Test func `a tap that hardly had to wait does not rest`() {
        #expect(Restraint.rest(after: .init(ran: 2_000_000, waited: 500_000)) == 0)
        #expect(Restraint.rest(after: .init(ran: 2_000_000, waited: 0)) == 0)
    }
}
