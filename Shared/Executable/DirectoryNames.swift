import Glibc

/// The names in a directory; none where it cannot be read.
package enum DirectoryNames {
    package static func read(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }
}

extension Stage {
    /// The stage of an instance; nil where it is no instance's name.
    package init?(ofInstance name: String) {
        guard let dash = name.lastIndex(of: "-"), Int(name[name.index(after: dash)...]) != nil else { return nil }
        self.init(rawValue: String(name[..<dash]))
    }

    /// The instances that have an admin socket in the run directory, whoever serves it, in no order.
    package static func instances(in runDirectory: String) -> [String] {
        DirectoryNames.read(runDirectory).filter { $0.hasSuffix(".admin") }.map { String($0.dropLast(6)) }
            .filter { Stage(ofInstance: $0) != nil }
    }
}
