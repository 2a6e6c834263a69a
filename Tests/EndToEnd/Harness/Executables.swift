import Glibc

/// Where the built executables and the scripts are.
enum Executables {
    /// `TRIBUTARY_BIN`, otherwise the folder of the running test bundle: `swift build --build-tests` puts both there.
    static let folder: String = {
        if let named = getenv("TRIBUTARY_BIN").map({ String(cString: $0) }), !named.isEmpty { return named }
        var path = [UInt8](repeating: 0, count: 4096)
        let count = path.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
        }
        let bundle = String(decoding: path[..<max(0, count)], as: UTF8.self)
        return bundle.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }()

    /// The repository, three folders above this file.
    static let repository = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }

    static let supervisor = "\(repository)/scripts/supervisor"

    /// The path of an executable's file.
    static func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// The Python that has the test requirements, otherwise the system's.
    static var python: String {
        let own = "\(repository)/.build/tools-venv/bin/python"
        return access(own, X_OK) == 0 ? own : "/usr/bin/env python3"
    }
}
