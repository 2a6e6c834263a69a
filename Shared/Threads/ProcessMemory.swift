internal import CPlatform

/// The memory of this process, which may hold secrets.
package enum ProcessMemory {
    /// Keeps the heap close to what is in use, in place of what glibc would learn to keep. Call it before threads are
    /// started.
    package static func boundHeap() { tributary_bound_heap() }

    /// Gives back the pages of the program that are in memory, most of which only its start needed.
    package static func giveBackProgram() { tributary_give_back_program() }

    /// No core file of it is written from now on, and no debugger of the same user may read it. False where the kernel
    /// refuses.
    @discardableResult package static func forbidDumps() -> Bool { tributary_forbid_dumps() != 0 }

    package static var mayBeDumped: Bool { tributary_may_dump() != 0 }
}
