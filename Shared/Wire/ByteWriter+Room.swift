extension ByteWriter {
    /// Appends that many bytes, all of which `fill` sets: one step for what many small ones would append.
    package mutating func append(_ added: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        bytes.append(addingCapacity: added) { room in
            room.withUnsafeMutableBufferPointer { target, count in
                fill(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: target[count..<count + added])))
                count += added
            }
        }
    }
}
