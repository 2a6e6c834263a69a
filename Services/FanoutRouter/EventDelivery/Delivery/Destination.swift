/// The seam between lanes and what takes events: an HTTP subscriber, a file …
///
/// Confined to the event loop of the lanes.
protocol Destination: AnyObject {
    /// Attempts a delivery once. `completion` runs exactly once, on the loop, never before this returns, and not much
    /// later than the delivery's time-out.
    func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void)

    /// Lets go of what is idle now, and of the rest when the deliveries under way are over; what it shares with its
    /// successor stays.
    func close(successor: (any Destination)?)
}

/// One attempt at a delivery.
struct Delivery {
    /// What goes out together.
    enum Content {
        case single(DeliveryContent)
        /// Of a subscription in batch mode, in the order of the log; one at least.
        case batch([DeliveryContent])
    }

    var name: DeliveryName
    var mark: DeliveryMark?
    /// Counted from 1.
    var attempt: Int
    /// When the attempt began, by the wall clock: seconds since 1970.
    var startedSeconds: Int64
    var timeoutNanoseconds: Int64
    var content: Content
}

/// What makes a delivery the same over attempts and restarts.
enum DeliveryName: Equatable {
    case event(UInt64)
    /// The positions of its first and last event and their number: another content has another name.
    case batch(first: UInt64, last: UInt64, count: Int)
    /// A test request, which has no event; a number of its own.
    case test(UInt64)

    var text: String {
        switch self {
        case .event(let position): String(position)
        case .batch(let first, let last, let count): "\(first)-\(last)-\(count)"
        case .test(let number): "test-\(number)"
        }
    }

    /// The position of the newest event in it; nil where there is none.
    var lastPosition: UInt64? {
        switch self {
        case .event(let position): position
        case .batch(_, let last, _): last
        case .test: nil
        }
    }
}

/// What sets a delivery apart from an everyday one.
enum DeliveryMark {
    /// An operator's job asked for it.
    case replay(Int64)
    case test
}
