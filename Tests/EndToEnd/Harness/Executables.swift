import Glibc

/// Where the built executables and the scripts are.
enum Executables {
    /// `TRIBUTARY_BIN`, otherwise the folder of the running test bundle: `swift build --build-tests` puts both there.
    static let folder: String = {
        if let named = getenv("TRIBUTARY_BIN").map({ String(cString: $0) }), !named.isEmpty { return named }
        guard let resolved = realpath("/proc/self/exe", nil) else { return "" }
        defer { free(resolved) }
        let bundle = String(cString: resolved)
        return bundle.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }()

    /// The repository, three folders above this file.
    static let repository = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }

    static let all = [
        "ingress-gateway", "ingress-connector", "verifier", "normaliser", "fanout-router", "tributary", "bus-tap",
    ]

    static let supervisor = "\(repository)/scripts/supervisor"

    /// The path of an executable's file.
    static func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// The Python that has the test requirements, otherwise the system's.
    static var python: String {
        let own = "\(repository)/.build/tools-venv/bin/python"
        return access(own, X_OK) == 0 ? own : "/usr/bin/env python3"
    }
}
