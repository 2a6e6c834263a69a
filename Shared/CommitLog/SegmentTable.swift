internal import Synchronization

/// A segment of the log, oldest first in the table.
struct Segment: Sendable {
    /// The file's name; says nothing.
    let name: String
    let header: SegmentHeader
    /// Numbers and places of some blocks, in order.
    var index: [BlockPlace] = []
    /// Readers that are at it. Its file is not written again meanwhile.
    var pins = 0

    init(name: String, header: SegmentHeader) {
        self.name = name
        self.header = header
    }

    /// Remembers a place, unless there is one close before.
    mutating func note(_ place: BlockPlace) {
        guard place.place >= (index.last?.place ?? header.alignment) + SegmentTable.indexDistanceBytes else { return }
        index.append(place)
    }
}

struct BlockPlace: Sendable {
    let number: UInt64
    let place: Int
}

/// Which segments there are and how far the log may be read; what the owner's thread and readers on others share.
final class SegmentTable: Sendable {
    /// Places are remembered so far apart; between them readers go from block to block.
    static let indexDistanceBytes = 64 * 1024

    struct State {
        var segments: [Segment] = []
        var first: UInt64 = 1
        /// Behind the last number that is known to be on the disk.
        var end: UInt64 = 1
    }

    /// What a reader needs to read on from a number.
    struct Reading {
        /// The number asked for, or the first one that is not given up.
        let number: UInt64
        let name: String
        let header: SegmentHeader
        /// Where to begin: a block with this number or a lower one.
        let start: BlockPlace
        /// The first number that the segment does not hold.
        let end: UInt64
        /// Whether blocks may still be appended.
        let isLast: Bool
    }

    private let state = Mutex(State())

    func withState<Value: Sendable>(_ body: (inout State) -> sending Value) -> Value {
        state.withLock { (state: inout sending State) -> sending Value in body(&state) }
    }

    /// The segment that holds `number` or the first one behind it, pinned; nil at the end of the log.
    func pin(_ number: UInt64) -> Reading? {
        withState { state in
            let number = max(number, state.first)
            guard number < state.end,
                let index = state.segments.lastIndex(where: { $0.header.first <= number })
                    ?? state.segments.indices.first
            else { return nil }
            state.segments[index].pins += 1
            let segment = state.segments[index]
            let next = index + 1 < state.segments.count ? state.segments[index + 1].header.first : state.end
            let start = segment.index.last { $0.number <= number }
            return Reading(
                number: number, name: segment.name, header: segment.header,
                start: start ?? BlockPlace(number: segment.header.first, place: segment.header.alignment),
                end: min(next, state.end), isLast: index + 1 == state.segments.count)
        }
    }

    /// About so many bytes lie from `number` on; `end`: the place in the last segment, where it is not full.
    func byteCount(from number: UInt64, end: Int?) -> Int {
        withState { state in
            let segments = state.segments[(state.segments.lastIndex { $0.header.first <= number } ?? 0)...]
            let before = segments.first?.index.last { $0.number <= number }?.place ?? 0
            return segments.dropLast().reduce((end ?? segments.last?.header.byteCount ?? 0) - before) {
                $0 + $1.header.byteCount
            }
        }
    }

    func unpin(_ ordinal: UInt64, noting places: [BlockPlace]) {
        withState { state in
            guard let index = state.segments.firstIndex(where: { $0.header.ordinal == ordinal }) else { return }
            state.segments[index].pins -= 1
            for place in places { state.segments[index].note(place) }
        }
    }
}
