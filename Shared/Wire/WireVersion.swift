#if DEBUG
internal import Glibc
#endif

/// The versions of what travels on links. Two builds speak the highest one that both know; each release knows its own and
/// that of the release before.
///
/// | version | what it brought |
/// |---|---|
/// | 1 | everything; since then only what older readers skip was appended |
///
/// Envelopes have a version of their own (`EnvelopeView`): stages carry them on as they are, and disks keep them.
package enum WireVersion {
    /// What this build reads and writes.
    package static var known: ClosedRange<UInt8> {
        #if DEBUG
        pretended ?? released
        #else
        released
        #endif
    }

    private static let released: ClosedRange<UInt8> = 1...1

    /// What hellos and refusals are written in for ever: by them builds find out that they have no version in common.
    package static let ofGreetings: UInt8 = 1

    /// What is spoken with somebody who knows `theirs`; nil where there is no common version.
    package static func negotiated(_ theirs: ClosedRange<UInt8>, with ours: ClosedRange<UInt8> = known) -> UInt8? {
        ours.overlaps(theirs) ? min(ours.upperBound, theirs.upperBound) : nil
    }

    /// Says why a link between these two is refused. Releases know their own version and the one before, so the older end
    /// is to be upgraded.
    package static func conflict(
        of instance: String, _ theirs: ClosedRange<UInt8>, with own: String, _ ours: ClosedRange<UInt8> = known
    ) -> String {
        func words(_ range: ClosedRange<UInt8>) -> String {
            let (low, high) = (range.lowerBound, range.upperBound)
            return low == high ? "wire version \(low)" : "wire versions \(low) to \(high)"
        }
        let older = theirs.upperBound < ours.lowerBound ? instance : own
        return "\(instance) speaks \(words(theirs)) and \(own) \(words(ours)): upgrade \(older)"
    }

    #if DEBUG
    /// For tests, absent from release builds: the environment variable `TRIBUTARY_FAULT_WIRE_VERSIONS` (such as `1-2`) has
    /// this build be one of another release.
    private static let pretended: ClosedRange<UInt8>? = {
        guard let value = getenv("TRIBUTARY_FAULT_WIRE_VERSIONS") else { return nil }
        let bounds = String(cString: value).split(separator: "-").compactMap { UInt8($0) }
        guard let low = bounds.first, let high = bounds.last, low <= high else { return nil }
        return low...high
    }()
    #endif
}
