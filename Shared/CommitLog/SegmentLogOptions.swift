package import Wire

extension SegmentLog {
    package struct Options: Sendable {
        /// The size of every segment.
        package var segmentBytes: Int
        /// As many as the log may have, spares counted; at least 3.
        package var mostSegments: Int
        /// The largest content of a record.
        package var recordBytes: Int
        /// Whether new segments are zeroed, so that commits in them note nothing in the file system.
        package var zeroFills = true
        /// Whether the log opens although numbers in it are lost; `read` says which. Otherwise opening it throws.
        package var toleratesDamage = false
        /// The identity of a log that is made anew.
        package var newID = LogID.random()
        /// The first number of a log that is made anew.
        package var newFirst: UInt64 = 1
        package var newSalt = UInt64.random(in: .min ... .max)

        /// Limits of a log that may take so much space.
        package init(budgetBytes: Int, recordBytes: Int) {
            self.recordBytes = recordBytes
            segmentBytes = max(4 * recordBytes, min(64 << 20, budgetBytes / 8)).roundedUp(to: Format.mostAlignment)
            mostSegments = max(3, budgetBytes / segmentBytes)
        }

        /// What the log has room for at least: a spare is kept, and the last segment may end with a gap.
        package var capacityBytes: Int { (mostSegments - 1) * segmentBytes - recordBytes }

        package init(segmentBytes: Int, mostSegments: Int, recordBytes: Int) {
            self.segmentBytes = segmentBytes
            self.mostSegments = mostSegments
            self.recordBytes = recordBytes
        }
    }
}
