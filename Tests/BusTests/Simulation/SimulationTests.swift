import Bus
import SeededRandom
import Testing
import Wire

/// Whole deployments under virtual time, with random kills, stops, delays, repetitions and losses. A seed that fails is
/// printed and fails again in the same way.
struct SimulationTests {
    private static let load: Int64 = .milliseconds(1_000)

    private func run(seed: UInt64, _ faults: Faults) -> World {
        var choice = SeededGenerator(seed: seed ^ 0xABCD)
        let world = World(
            seed: seed, verifiers: .random(in: 1...2, using: &choice), normalisers: .random(in: 1...4, using: &choice),
            faults: faults)
        for _ in 0..<36 {
            let count = Int.random(in: 1...8, using: &choice)
            world.time.at(.random(in: 0...Self.load, using: &choice)) { world.ingress.accept(count) }
        }
        world.disturb(during: Self.load)
        world.time.run(until: Self.load) { false }
        world.time.run(until: Self.load + .milliseconds(120_000)) {
            world.ingress.isAlive && world.ingress.settled == world.ingress.lastSequence
        }
        return world
    }

    private func expectEverythingOnce(_ world: World, seed: UInt64, poison: Set<UInt64> = []) {
        let last = world.ingress.lastSequence
        #expect(world.ingress.settled == last, "seed \(seed): the pipeline stands still")
        #expect(world.router.log == (last == 0 ? [] : Array(1...last)), "seed \(seed): lost, repeated or out of order")
        #expect(world.ingress.givenUp.isSubset(of: poison), "seed \(seed): a healthy record was given up")
        #expect(world.ingress.answered.values.allSatisfy { $0 == 1 }, "seed \(seed): a webhook was answered twice")
    }

    @Test func `without faults nothing is sent again`() {
        for seed in UInt64(1)...200 {
            let world = run(seed: seed, Faults())
            expectEverythingOnce(world, seed: seed)
            #expect(world.ingress.resent == 0, "seed \(seed)")
        }
    }

    @Test func `whatever is killed or stopped, every webhook is settled exactly once and in order`() {
        for seed in UInt64(1)...1200 {
            let world = run(seed: seed, Faults(kills: 6, stops: 2))
            expectEverythingOnce(world, seed: seed)
            let bound = 20 * Int(world.ingress.lastSequence) + 500
            #expect(world.ingress.resent < bound, "seed \(seed): a storm of \(world.ingress.resent) resends")
        }
    }

    @Test func `lost and repeated transmissions on living links do no harm`() {
        for seed in UInt64(1)...500 {
            let world = run(seed: seed, Faults(drop: 0.02, duplicate: 0.02, kills: 3))
            expectEverythingOnce(world, seed: seed)
        }
    }

    @Test func `no answer waits for normalisers that stand still, and every other one has its verdict`() {
        for seed in UInt64(1)...20 {
            let world = World(seed: seed, verifiers: 2, normalisers: 2, faults: Faults())
            let normalisers = world.nodes.filter { $0.role == .normaliser }
            for step in 10..<300 { world.time.at(.milliseconds(5 * step)) { world.ingress.accept(4) } }
            world.time.at(.milliseconds(500)) { for each in normalisers { each.stop() } }
            world.time.at(.milliseconds(1_000)) { for each in normalisers { each.resume() } }
            world.time.run(until: .milliseconds(20_000)) {
                world.time.now > .milliseconds(1_500) && world.ingress.settled == world.ingress.lastSequence
            }
            expectEverythingOnce(world, seed: seed)
            let unverified = world.ingress.unverified
            #expect(!unverified.isEmpty, "seed \(seed)")
            // Behind the backlog nobody waits either.
            #expect(
                unverified.allSatisfy { $0 > .milliseconds(500) && $0 < .milliseconds(1_200) },
                "seed \(seed): verifiers that have credit were not waited for")
            // The limit, and what lies between two looks of the simulated ingress.
            #expect(world.ingress.longestWait <= Limits.reachNanoseconds + .milliseconds(11), "seed \(seed)")
        }
    }

    @Test func `a peer that poses as a router, confirms what it swallows and leaves does not make resends wait longer`()
    {
        for seed in UInt64(1)...100 {
            let world = World(seed: seed, verifiers: 1, normalisers: 2, faults: Faults())
            let impostor = SwallowingRouter(world, .router)
            for visit in 0..<12 {
                world.time.at(.milliseconds(500 * visit)) { world.join(impostor) }
                world.time.at(.milliseconds(500 * visit + 400)) { impostor.kill() }
                world.time.at(.milliseconds(500 * visit + 100)) { world.ingress.accept(40) }
            }
            world.time.run(until: .milliseconds(6_000)) { false }
            #expect(world.ingress.resendWait == ResendTimer.floorNanoseconds, "seed \(seed)")
            // Whatever was swallowed again and again until now waits for the ceiling at most.
            world.time.run(until: .milliseconds(6_000) + ResendTimer.ceilingNanoseconds + .milliseconds(1_000)) {
                world.ingress.settled == world.ingress.lastSequence
            }
            expectEverythingOnce(world, seed: seed)
            #expect(impostor.swallowed > 0, "seed \(seed): the impostor was never asked")
        }
    }

    @Test func `a webhook that kills every normaliser is given up and the others flow`() {
        for seed in UInt64(1)...200 {
            let poison: Set<UInt64> = [20, 40]
            let world = run(seed: seed, Faults(poison: poison))
            expectEverythingOnce(world, seed: seed, poison: poison)
            #expect(world.ingress.givenUp == poison.filter { $0 <= world.ingress.lastSequence }, "seed \(seed)")
        }
    }
}
