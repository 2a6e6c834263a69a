/// What the engine asks of a file system, so that tests can put one beneath it that forgets, tears and fails.
package protocol LogFileSystem: AnyObject, Sendable {
    /// Makes the folder and what is missing on the way, each durable in its parent.
    func makeFolder(_ path: String) throws(SystemError)
    /// Takes the folder for this process; the lock goes when the object does. `EWOULDBLOCK` where another has it.
    func lock(_ path: String) throws(SystemError) -> AnyObject
    func names(in path: String) throws(SystemError) -> [String]
    func open(_ path: String, _ mode: LogFileMode) throws(SystemError) -> any LogFile
    func unlink(_ path: String) throws(SystemError)
    /// Makes the names in the folder durable.
    func syncFolder(_ path: String) throws(SystemError)
}

package enum LogFileMode: Sendable {
    /// A new file, for `fill`. `EEXIST` where it is there.
    case create
    /// Writes that are asked to last, and reads of them.
    case commit
    /// Writes that may be lost until the next `flush`.
    case fill
    case read
}

/// An open file. Offsets, lengths and memory are multiples of `alignment`.
package protocol LogFile: AnyObject {
    /// A power of two, 512 at least.
    var alignment: Int { get }
    /// Whether a write of a file that was opened to commit lasts when it returns; otherwise it needs a `flush`.
    var isDirect: Bool { get }
    /// How many bytes were written, perhaps fewer than asked for.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int
    /// How many bytes were read; fewer at the end of the file.
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
    /// Takes the space of the file's first bytes, and makes it so long at least.
    func allocate(byteCount: Int) throws(SystemError)
    func flush() throws(SystemError)
    func byteCount() throws(SystemError) -> Int
    /// How many names the file has.
    func linkCount() throws(SystemError) -> Int
}

/// A call of the system that failed.
package struct SystemError: Error, Equatable, Sendable {
    package let operation: String
    /// As in errno(3).
    package let code: Int32

    package init(_ operation: String, _ code: Int32) {
        self.operation = operation
        self.code = code
    }
}
