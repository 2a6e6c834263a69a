import DequeModule

/// Rows that were read from disk lately, bounded in bytes: lanes that lag at the same place, as a hundred do whose
/// filters do not match, read and render them once between them.
///
/// Confined to the event loop.
struct RecentRows {
    private var rows: Deque<RenderedBatch> = []
    private var bytes = 0
    private let budgetBytes: Int

    init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    /// The row that holds `position` and those that follow on it, until `maxBytes` are exceeded; none where it is not
    /// here.
    func rows(from position: UInt64, maxBytes: Int) -> [RenderedBatch] {
        guard var index = rows.firstIndex(where: { $0.first <= position && position <= $0.last }) else { return [] }
        var (found, bytes) = ([rows[index]], rows[index].sizeBytes)
        index += 1
        while index < rows.count, bytes < maxBytes, rows[index].first == found[found.count - 1].last + 1 {
            found.append(rows[index])
            bytes += rows[index].sizeBytes
            index += 1
        }
        return found
    }

    /// Adds what was read, consecutive rows; the oldest make room.
    mutating func keep(_ read: [RenderedBatch]) {
        for row in read where !rows.contains(where: { $0.first == row.first }) {
            rows.append(row)
            bytes += row.sizeBytes
        }
        while bytes > budgetBytes, let oldest = rows.popFirst() { bytes -= oldest.sizeBytes }
    }
}
