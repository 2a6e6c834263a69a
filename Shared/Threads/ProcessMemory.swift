internal import CPlatform

/// The memory of this process, which may hold secrets.
package enum ProcessMemory {
    /// No core file of it is written from now on, and no debugger of the same user may read it. False where the kernel
    /// refuses.
    @discardableResult package static func forbidDumps() -> Bool { tributary_forbid_dumps() != 0 }

    package static var mayBeDumped: Bool { tributary_may_dump() != 0 }
}
