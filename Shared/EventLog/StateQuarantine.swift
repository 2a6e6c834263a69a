import GRDB

extension SegmentEventLog {
    package var quarantineUse: [QuarantineUse] { (try? state.perform(\.quarantine.use)) ?? [] }

    package func markReplayed(quarantineIDs: [Int64], tries: [Int64]?, atNanoseconds: Int64) throws -> Int {
        try state.perform { state in
            try state.writing { db in
                let update = try db.cachedStatement(
                    sql: "UPDATE quarantine SET replayed_at = ?1 WHERE id = ?2 AND tries = ifnull(?3, tries)")
                var marked = 0
                for (index, id) in quarantineIDs.enumerated() {
                    try update.execute(arguments: [atNanoseconds, id, tries?[index]])
                    marked += db.changesCount
                }
                return marked
            }
        }
    }

    package func dropQuarantined(_ ids: [Int64]) throws -> Int {
        try state.perform(mayLag: true) { state in
            try state.dropFromQuarantine { db in try ids.compactMap { try QuarantineTable.line($0, db) } }
        }
    }

    package func dropAgedQuarantine(nowNanoseconds: Int64, rows: Int) throws -> Int {
        try state.perform(mayLag: true) { state in
            let oldest = state.age.stamp(seconds: state.settings.quarantineAgeSeconds, at: nowNanoseconds)
            return try state.dropFromQuarantine { try QuarantineTable.aged(before: oldest, rows: rows, $0) }
        }
    }

    func shrinkQuarantine() throws { try state.perform { try $0.shrinkQuarantine() } }
}

extension EventState {
    /// Asks before it writes: mostly there is nothing to drop, and a transaction costs an fsync.
    fileprivate func dropFromQuarantine(_ choose: (Database) throws -> [QuarantineTable.Line]) throws -> Int {
        let doomed = try queue.read(choose)
        guard !doomed.isEmpty else { return 0 }
        var bounds = quarantine
        try writing { try bounds.drop(doomed, $0) }
        quarantine = bounds
        return doomed.count
    }

    /// Drops what a smaller configuration leaves no room for, a few rows at a time.
    fileprivate func shrinkQuarantine() throws {
        while true {
            var bounds = quarantine
            let dropped = try writing { try bounds.shrink(rows: 1000, $0) }
            quarantine = bounds
            if dropped == 0 { return }
        }
    }
}
