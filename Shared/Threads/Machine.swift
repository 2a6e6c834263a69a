internal import CPlatform

/// What the kernel knows of the machine, and Glibc's module does not export to Swift.
package enum Machine {
    /// Whether somebody, such as chrony or timesyncd, keeps the wall clock in step with others.
    package static var keepsClock: Bool { tributary_clock_is_kept() != 0 }

    /// Whether a folder lies on a file system that a power cut empties.
    package static func liesInMemory(_ folder: String) -> Bool { tributary_lies_in_memory(folder) != 0 }
}
