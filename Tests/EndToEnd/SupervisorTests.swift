import Glibc
import Testing

extension EndToEnd {
    @Suite struct Supervision {
        @Test func `a killed supervisor leaves the pipeline running and its successor takes it over`() throws {
            try Pipeline.with { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 2_400, perSecond: 300)
                load.start()
                try waitUntil("the load has begun") { pipeline.subscriber.distinct(0) > 100 }
                let before = Set(pipeline.processes().map(\.pid))
                try pipeline.killSupervisor()
                let killed = monotonicNanoseconds()
                try waitUntil("webhooks flow without a supervisor") {
                    let numbers = load.soFar.filter { $0.startedNanoseconds > killed && $0.isAccepted }.map(\.number)
                    return numbers.count > 100 && pipeline.subscriber.hasAll(Array(numbers.prefix(100)))
                }
                #expect(Set(pipeline.processes().map(\.pid)) == before)
                try pipeline.up()
                let after = pipeline.processes()
                #expect(after.map(\.instance).sorted() == Set(after.map(\.instance)).sorted(), "one process of each")
                #expect(after.count == before.count)
                // All but the ingress, whose listening socket is replaced, are the very same processes.
                #expect(after.filter { !before.contains($0.pid) }.map(\.instance) == ["ingress-gateway-0"])
                let sent = load.wait()
                report("supervisor killed: \(Promises.describe(sent))")
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
                #expect(pipeline.signal("normaliser-0", SIGKILL))
                try waitUntil("the new supervisor starts what dies") {
                    pipeline.processes().count == before.count
                }
            }
        }

        @Test func `a stage that hangs is replaced while webhooks flow, and loses nothing`() throws {
            try Pipeline.with(PipelineSettings(normalisers: 1)) { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 200)
                load.start()
                for instance in ["normaliser-0", "fanout-router-0"] {
                    guard let hung = pipeline.pid(instance) else { throw Failure("there is no \(instance)") }
                    #expect(kill(hung, SIGSTOP) == 0)
                    try waitUntil("the \(instance) that hangs is gone") { !Pipeline.isAlive(hung) }
                    let delivered = pipeline.subscriber.distinct(0)
                    try waitUntil("webhooks flow through another \(instance)") {
                        pipeline.subscriber.distinct(0) > delivered + 300
                    }
                }
                load.stop()
                let sent = load.wait()
                report("hung stages: \(Promises.describe(sent))")
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }

        @Test func `scaling the normalisers up and down loses nothing`() throws {
            try Pipeline.with(PipelineSettings(normalisers: 1)) { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 400)
                load.start()
                for count in [4, 1, 3, 2] {
                    try pipeline.scale("normaliser", to: count)
                    let normalisers = pipeline.processes().filter { $0.instance.hasPrefix("normaliser") }
                    #expect(normalisers.count == count)
                    let delivered = pipeline.subscriber.distinct(0)
                    try waitUntil("webhooks flow through \(count) normalisers") {
                        pipeline.subscriber.distinct(0) > delivered + 300
                    }
                }
                load.stop()
                let sent = load.wait()
                report("scaling: \(Promises.describe(sent))")
                #expect(sent.allSatisfy { $0.isAccepted })
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }
    }
}
