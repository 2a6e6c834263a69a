/// Whether a text that comes in pieces is UTF-8: says it as soon as a byte cannot follow (RFC 3629, section 4).
struct UTF8Check {
    /// How many bytes of the present character are missing.
    private var missing = 0
    /// What the next of them may be.
    private var range: ClosedRange<UInt8> = 0x80...0xBF

    /// Whether the text may end here.
    var isComplete: Bool { missing == 0 }

    /// False where these bytes cannot follow.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = bytes.startIndex
        while place < bytes.endIndex {
            let byte = bytes[place]
            place += 1
            guard missing == 0 else {
                guard range.contains(byte) else { return false }
                missing -= 1
                range = 0x80...0xBF
                continue
            }
            switch byte {
            case 0..<0x80: break
            case 0xC2...0xDF: (missing, range) = (1, 0x80...0xBF)
            case 0xE0: (missing, range) = (2, 0xA0...0xBF)
            case 0xED: (missing, range) = (2, 0x80...0x9F)
            case 0xE1...0xEF: (missing, range) = (2, 0x80...0xBF)
            case 0xF0: (missing, range) = (3, 0x90...0xBF)
            case 0xF1...0xF3: (missing, range) = (3, 0x80...0xBF)
            case 0xF4: (missing, range) = (3, 0x80...0x8F)
            default: return false
            }
        }
        return true
    }
}
