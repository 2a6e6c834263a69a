import Providers

/// One part of the product that reads bytes from outside.
struct FuzzTarget {
    /// The word for it on the command line.
    let name: String
    /// Inputs to start from.
    let seeds: () -> [[UInt8]]
    let make: () -> any FuzzFixture
}

/// Tries inputs; what it keeps from one to the next is what the stage would keep.
protocol FuzzFixture: AnyObject {
    /// Returns when all is well, and stops the process with a sentence when it is not.
    func tryOne(_ input: UnsafeRawBufferPointer)
}

/// Every target.
enum FuzzTargets {
    static var all: [FuzzTarget] {
        [
            FuzzTarget(name: "json", seeds: JSONFixture.seeds, make: { JSONFixture() }),
            FuzzTarget(name: "wire", seeds: WireFixture.seeds, make: { WireFixture() }),
            FuzzTarget(name: "inflater", seeds: InflaterFixture.seeds, make: { InflaterFixture() }),
            FuzzTarget(name: "front", seeds: FrontFixture.seeds, make: { FrontFixture() }),
            FuzzTarget(name: "response", seeds: ResponseFixture.seeds, make: { ResponseFixture() }),
            FuzzTarget(name: "verification", seeds: VerificationFixture.seeds, make: { VerificationFixture() }),
        ]
            + ProviderRegistry.all.map { provider in
                FuzzTarget(
                    name: "provider-\(provider.name)", seeds: { ProviderFixture.seeds(of: provider) },
                    make: { ProviderFixture(provider) })
            }
    }
}

/// Stops the process, which libFuzzer takes as a find, unless what must hold does.
@inline(__always)
func must(_ holds: Bool, _ sentence: @autoclosure () -> String) {
    if !holds { fatalError("broken: \(sentence())") }
}
