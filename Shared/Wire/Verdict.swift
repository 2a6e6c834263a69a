/// The verifier's answer to one webhook, for the HTTP response.
package struct Verdict: Sendable, Equatable {
    /// 202 when accepted.
    package var httpStatus: UInt16
    /// The rejection's code; empty when accepted.
    package var code: String
    /// A reply body that the provider waits for, at most `Limits.verdictReplyBytes`; mostly empty.
    package var reply: [UInt8]

    package init(httpStatus: UInt16, code: String, reply: [UInt8] = []) {
        self.httpStatus = httpStatus
        self.code = code
        self.reply = reply
    }

    package static let accepted = Verdict(httpStatus: 202, code: "")
}

/// Verdicts on webhooks of one journal: journal id, then per entry (the header's count tells how many) `u64 first`,
/// `u64 last`, `u16 HTTP status`, `u8 length` and code, `u16 length` and reply body.
package struct VerdictNotice: Equatable, Sendable {
    package var journal: JournalID
    package var entries: [Entry]

    package struct Entry: Equatable, Sendable {
        package var sequences: SequenceRange
        package var verdict: Verdict

        package init(sequences: SequenceRange, verdict: Verdict) {
            self.sequences = sequences
            self.verdict = verdict
        }
    }

    package init(journal: JournalID, entries: [Entry] = []) {
        self.journal = journal
        self.entries = entries
    }

    package init(body: UnsafeRawBufferPointer, count: UInt32) throws(WireError) {
        var reader = ByteReader(body)
        journal = try reader.journalID()
        entries = []
        for _ in 0..<count {
            let (first, last) = (try reader.u64(), try reader.u64())
            guard first <= last else { throw .badLength }
            let status = try reader.u16()
            let code = try reader.text8()
            let reply = Array(try reader.bytes(Int(try reader.u16())))
            let verdict = Verdict(httpStatus: status, code: code, reply: reply)
            entries.append(Entry(sequences: SequenceRange(first, last), verdict: verdict))
        }
    }

    package func write(to writer: inout ByteWriter) {
        writer.journalID(journal)
        for entry in entries {
            writer.u64(entry.sequences.first)
            writer.u64(entry.sequences.last)
            writer.u16(entry.verdict.httpStatus)
            writer.text8(entry.verdict.code)
            let reply = entry.verdict.reply.prefix(Limits.verdictReplyBytes)
            writer.u16(UInt16(reply.count))
            writer.raw(Array(reply))
        }
    }

    /// Adds one verdict, joined to the last entry where it continues it.
    package mutating func add(_ sequence: UInt64, _ verdict: Verdict) {
        if let last = entries.indices.last, entries[last].verdict == verdict,
            entries[last].sequences.last &+ 1 == sequence
        {
            entries[last].sequences.last = sequence
        } else {
            entries.append(Entry(sequences: SequenceRange(sequence, sequence), verdict: verdict))
        }
    }
}
