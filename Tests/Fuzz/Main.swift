import Glibc

/// The driver of libFuzzer, for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ tryOne: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// All fuzz targets in one program; the environment variable `TRIBUTARY_FUZZ_TARGET` says which. Its arguments are
/// libFuzzer's.
///
/// With `TRIBUTARY_FUZZ_SEEDS=FOLDER` it fuzzes nothing but writes the target's seeds into the folder; without a target
/// it prints the names of all.
@main
struct FuzzProcess {
    static func main() {
        guard let name = environment("TRIBUTARY_FUZZ_TARGET") else {
            for target in FuzzTargets.all { print(target.name) }
            return
        }
        guard let target = FuzzTargets.all.first(where: { $0.name == name }) else {
            print("There is no fuzz target \(name).")
            exit(64)
        }
        if let folder = environment("TRIBUTARY_FUZZ_SEEDS") {
            writeSeeds(of: target, to: folder)
            return
        }
        Chosen.target = target.make()
        var argumentCount = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            runDriver(&argumentCount, &arguments) { bytes, count in
                Chosen.target?.tryOne(UnsafeRawBufferPointer(start: bytes, count: count))
                return 0
            })
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func writeSeeds(of target: FuzzTarget, to folder: String) {
        for (index, seed) in target.seeds().enumerated() {
            guard let file = fopen("\(folder)/seed-\(index)", "w") else {
                print("\(folder)/seed-\(index) cannot be written.")
                exit(74)
            }
            fwrite(seed, 1, seed.count, file)
            fclose(file)
        }
    }
}

/// What libFuzzer's call-back, a C function, tries: set once before the first call, on the only thread.
private enum Chosen {
    nonisolated(unsafe) static var target: (any FuzzFixture)?
}
