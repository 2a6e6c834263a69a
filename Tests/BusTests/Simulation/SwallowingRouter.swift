import Bus
import Wire

/// Says hello as a router, confirms every batch that it gets, keeps none of them, and tells no ingress anything.
final class SwallowingRouter: Node {
    private(set) var swallowed = 0
    private var intakes: [Int: Intake] = [:]
    private var bootID: UInt64 = 0

    override func boot() {
        bootID = UInt64(world.pick(1...1 << 40))
        intakes = [:]
    }

    override func connected(_ peer: Int, to other: Node, isControl: Bool) {
        if !isControl { intakes[peer] = Intake() }
        _ = world.connection(peer)?.send(.hello(role: role, bootID: bootID, link: UInt64(peer)), upwards: true)
        sendCredit(to: peer)
    }

    override func disconnected(_ peer: Int, isControl: Bool) { intakes[peer] = nil }

    override func received(_ parcel: Parcel, from peer: Int, isControl: Bool) {
        guard case .batch(let number, let records) = parcel,
            intakes[peer]?.received(batch: number, records: records.count) == true
        else { return }
        intakes[peer]?.finished(records: records.count, ofBatch: number)
        swallowed += records.count
        sendCredit(to: peer)
    }

    override func tick() { for peer in intakes.keys.sorted() { sendCredit(to: peer) } }

    private func sendCredit(to peer: Int) {
        guard let notice = intakes[peer]?.notice(mostRecords: 8, mostBytes: Limits.batchBytes) else { return }
        _ = world.connection(peer)?.send(.credit(notice), upwards: true)
    }
}
