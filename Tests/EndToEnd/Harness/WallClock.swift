import Glibc

/// A wall clock that a test can set, for every process of a pipeline: `Clock/set_clock.c`, preloaded into the supervisor and,
/// by wrappers in front of the executables, into the stages, to which the supervisor passes no such variable.
struct WallClock {
    private let file: String
    private let library: String
    /// The folder with the wrappers.
    let executables: String

    /// What a pipeline needs to see this clock.
    var environment: [String: String] {
        ["LD_PRELOAD": library, "TRIBUTARY_FAULT_CLOCK": file, "TRIBUTARY_BIN": executables]
    }

    /// Compiles the library; throws what the compiler says.
    init(in folder: String) throws {
        (file, library, executables) = ("\(folder)/clock", "\(folder)/set_clock.so", "\(folder)/bin")
        let source = "\(Executables.repository)/Tests/EndToEnd/Clock/set_clock.c"
        let compiled = try ChildProcess.run(
            ["clang", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], in: folder)
        guard compiled.status == 0 else { throw Failure("set_clock.c does not compile: \(compiled.errors)") }
        try set(secondsForward: 0)
        mkdir(executables, 0o700)
        for name in Executables.all {
            let wrapper = "\(executables)/\(name)"
            try Files.write(
                "#!/bin/sh\nLD_PRELOAD='\(library)' TRIBUTARY_FAULT_CLOCK='\(file)' exec '\(Executables.path(name))' \"$@\"\n",
                to: wrapper)
            chmod(wrapper, 0o700)
        }
    }

    /// Sets the clocks of all these processes against the true time, at once.
    func set(secondsForward seconds: Int64) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        var seconds = seconds
        guard pwrite(descriptor, &seconds, 8, 0) == 8 else { throw Failure("\(file) cannot be written") }
    }
}
