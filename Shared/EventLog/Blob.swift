import CommitLog
import Foundation
import GRDB
import Wire

/// Bytes to and from SQLite; GRDB binds blobs as Foundation's Data. One copy each way.
enum Blob {
    static func of(_ bytes: [UInt8]) -> Data { Data(bytes) }

    static func of(_ values: [some FixedWidthInteger]) -> Data {
        values.map(\.littleEndian).withUnsafeBytes { Data($0) }
    }

    static func hashes(_ blob: Data) -> [UInt128] {
        let halves = values(blob)
        return stride(from: 0, to: halves.count - 1, by: 2).map { UInt128(halves[$0 + 1]) << 64 | UInt128(halves[$0]) }
    }

    static func of(_ journal: JournalID) -> Data { of([journal.high, journal.low]) }

    static func bytes(_ blob: Data) -> [UInt8] { Array(blob) }

    static func values(_ blob: Data) -> [UInt64] {
        blob.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
            }
        }
    }

    static func journal(_ blob: Data) -> JournalID? {
        let halves = values(blob)
        return halves.count == 2 ? JournalID(high: halves[0], low: halves[1]) : nil
    }
}

extension EventLogError {
    /// Says what SQLite met, and whether trying again can help.
    package init(_ error: any Error) {
        if let own = error as? EventLogError {
            self = own
            return
        }
        if let log = error as? LogError {
            self.init(log)
            return
        }
        guard let database = error as? DatabaseError else {
            self.init(.unreadable, "The event log cannot be read: \(error). Restore it from a copy or move it away.")
            return
        }
        let cause = "\(database) (SQLite code \(database.extendedResultCode.rawValue))"
        switch database.resultCode {
        case .SQLITE_FULL:
            self.init(.diskFull, "The event log's disk is full: free space, it goes on by itself. \(cause)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.busy, "Another process holds the event log: end it. \(cause)")
        case .SQLITE_IOERR:
            self.init(
                .storageFailed,
                "The event log's disk failed, what it holds is unknown: check the disk, then restart. \(cause)")
        case .SQLITE_NOTADB:
            self.init(.notThisLog, "The file is not an event log: move it away or name another. \(cause)")
        default:
            self.init(.unreadable, "The event log cannot be used: restore it from a copy or move it away. \(cause)")
        }
    }
}
