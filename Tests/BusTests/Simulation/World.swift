import SeededRandom
import Wire

/// What travels in the simulation instead of frames.
enum Parcel {
    case hello(role: StageRole, bootID: UInt64, link: UInt64)
    case credit(CreditNotice)
    case batch(number: UInt64, records: [(sequence: UInt64, isAlone: Bool, isResent: Bool)])
    case ping(UInt64)
    case verdicts(VerdictNotice)
    case settlement(SettlementNotice, bootID: UInt64)
    case lost(LostNotice)
    case window(WindowNotice)
}

/// One stage instance: alive or dead, running or stopped.
class Node {
    unowned let world: World
    let role: StageRole
    private(set) var incarnation = 0
    private(set) var isAlive = false
    private(set) var isStopped = false
    private var stalled: [() -> Void] = []

    init(_ world: World, _ role: StageRole) {
        self.world = world
        self.role = role
    }

    func boot() {}
    func tick() {}
    func received(_ parcel: Parcel, from peer: Int, isControl: Bool) {}
    func connected(_ peer: Int, to other: Node, isControl: Bool) {}
    func disconnected(_ peer: Int, isControl: Bool) {}

    func start() {
        incarnation += 1
        isAlive = true
        isStopped = false
        boot()
        world.connectEverything(to: self)
        scheduleTick(incarnation)
    }

    func kill() {
        guard isAlive else { return }
        isAlive = false
        stalled = []
        world.buryConnections(of: self)
    }

    func stop() { isStopped = true }

    func resume() {
        isStopped = false
        let waiting = stalled
        stalled = []
        for action in waiting { perform(incarnation, action) }
    }

    /// Does something in the name of incarnation `number`: later when stopped, never when dead.
    func perform(_ number: Int, _ action: @escaping () -> Void) {
        guard isAlive, incarnation == number else { return }
        if isStopped { stalled.append { [self] in perform(number, action) } } else { action() }
    }

    private func scheduleTick(_ number: Int) {
        world.time.after(.milliseconds(10)) { [self] in
            guard isAlive, incarnation == number else { return }
            if !isStopped { tick() }
            scheduleTick(number)
        }
    }
}

/// A connection between two incarnations; what is on its way dies with either of them.
final class Connection {
    let downstream: Node
    let upstream: Node
    let isControl: Bool
    let id: Int
    private let incarnations: (Int, Int)
    private var isBroken = false
    private var lastDelivery: [Bool: Int64] = [:]

    init(downstream: Node, upstream: Node, isControl: Bool, id: Int) {
        self.downstream = downstream
        self.upstream = upstream
        self.isControl = isControl
        self.id = id
        incarnations = (downstream.incarnation, upstream.incarnation)
    }

    /// Sends towards the upstream or the downstream; false when the other side is gone.
    func send(_ parcel: Parcel, upwards: Bool) -> Bool {
        guard !isBroken else { return false }
        let world = downstream.world
        if world.chance(world.faults.drop) { return true }
        for _ in 0..<(world.chance(world.faults.duplicate) ? 2 : 1) {
            let target = upwards ? upstream : downstream
            let incarnation = upwards ? incarnations.1 : incarnations.0
            let arrival = max(lastDelivery[upwards] ?? 0, world.time.now + world.delay())
            lastDelivery[upwards] = arrival
            world.time.at(arrival) { [self] in
                guard !isBroken else { return }
                target.perform(incarnation) { target.received(parcel, from: self.id, isControl: self.isControl) }
            }
        }
        return true
    }

    func establish() {
        downstream.perform(incarnations.0) { [self] in
            if !isBroken { downstream.connected(id, to: upstream, isControl: isControl) }
        }
    }

    func bury() {
        isBroken = true
        for (node, incarnation) in [(downstream, incarnations.0), (upstream, incarnations.1)] {
            node.perform(incarnation) { [self] in node.disconnected(id, isControl: isControl) }
        }
    }
}

struct Faults {
    var drop = 0.0
    var duplicate = 0.0
    var kills = 0
    var stops = 0
    var poison: Set<UInt64> = []
}

/// Ingress, workers and router over a simulated transport.
final class World {
    let time = VirtualTime()
    let faults: Faults
    private var random: SeededGenerator
    private(set) var ingress: SimulatedIngress!
    private(set) var router: SimulatedRouter!
    private(set) var nodes: [Node] = []
    private var connections: [Int: Connection] = [:]
    private var nextConnection = 1

    init(seed: UInt64, verifiers: Int, normalisers: Int, faults: Faults) {
        self.faults = faults
        random = SeededGenerator(seed: seed)
        ingress = SimulatedIngress(self, .ingress)
        router = SimulatedRouter(self, .router)
        nodes = [router]
        nodes += (0..<normalisers).map { _ in SimulatedWorker(self, .normaliser) }
        nodes += (0..<verifiers).map { _ in SimulatedWorker(self, .verifier) }
        nodes.append(ingress)
        for node in nodes { node.start() }
    }

    /// Joins the deployment, or a former one joins it again.
    func join(_ node: Node) {
        if !nodes.contains(where: { $0 === node }) { nodes.append(node) }
        node.start()
    }

    func chance(_ probability: Double) -> Bool {
        probability > 0 && Double.random(in: 0..<1, using: &random) < probability
    }
    func delay() -> Int64 { Int64.random(in: 20_000...400_000, using: &random) }
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    func connection(_ id: Int) -> Connection? { connections[id] }

    func connectEverything(to node: Node) {
        for other in nodes where other !== node && other.isAlive {
            for (down, up) in [(node, other), (other, node)] {
                if down.role.upstream == up.role { connect(down, up, isControl: false) }
                if up.role == .ingress && (down.role == .verifier || down.role == .router || down.role == .normaliser) {
                    connect(down, up, isControl: true)
                }
            }
        }
    }

    private func connect(_ down: Node, _ up: Node, isControl: Bool) {
        let (downIncarnation, upIncarnation) = (down.incarnation, up.incarnation)
        time.after(.milliseconds(pick(1...15))) { [self] in
            guard down.isAlive, up.isAlive, down.incarnation == downIncarnation, up.incarnation == upIncarnation else {
                return
            }
            let connection = Connection(downstream: down, upstream: up, isControl: isControl, id: nextConnection)
            connections[nextConnection] = connection
            nextConnection += 1
            connection.establish()
        }
    }

    func buryConnections(of node: Node) {
        for (id, connection) in connections where connection.downstream === node || connection.upstream === node {
            connections[id] = nil
            time.after(delay()) { connection.bury() }
        }
    }

    /// Kills and stops at random times while `duration` lasts; whatever died starts again soon.
    func disturb(during duration: Int64) {
        for _ in 0..<faults.kills {
            let victim = nodes[pick(0...nodes.count - 1)]
            time.at(Int64(pick(0...Int(duration)))) { [self] in
                guard victim.isAlive else { return }
                victim.kill()
                time.after(.milliseconds(pick(5...250))) { victim.start() }
            }
        }
        for _ in 0..<faults.stops {
            let victim = nodes[pick(0...nodes.count - 1)]
            time.at(Int64(pick(0...Int(duration)))) { [self] in
                victim.stop()
                time.after(.milliseconds(pick(50...2_000))) { victim.resume() }
            }
        }
    }

    /// A worker died of a record: it starts again soon.
    func crash(_ node: Node) {
        node.kill()
        time.after(.milliseconds(pick(5...50))) { node.start() }
    }
}
