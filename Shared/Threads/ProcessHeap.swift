internal import CPlatform

/// The heap of this process.
package enum ProcessHeap {
    /// Keeps it close to what is in use, in place of what glibc would learn to keep. Call it before threads are started.
    package static func bound() {
        tributary_bound_heap()
    }
}
