import GRDB

/// A copy of the state of an event log, which may be in use: all of it at one moment.
package enum StateCopy {
    package static func make(of path: String, in target: String) throws(EventLogError) {
        do {
            var reading = Configuration()
            reading.readonly = true
            reading.busyMode = .timeout(10)
            let source = try DatabaseQueue(path: path, configuration: reading)
            let version = try source.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
            guard version == EventLogSchema.version else {
                throw EventLogError(
                    .notThisLog,
                    "\(path) has version \(version ?? 0), this program copies \(EventLogSchema.version): start the pipeline "
                        + "once with this version, or use the tributary of that one.")
            }
            try source.backup(to: DatabaseQueue(path: target))
        } catch {
            throw EventLogError(error)
        }
    }
}
