import Wire

extension EnvelopeBuilder {
    /// Appends the envelope of a webhook that was accepted before and comes back out of quarantine.
    func appendReplay(
        source: [UInt8], receivedAtNanoseconds: Int64, head: [(String, String)], body: [UInt8],
        replayOf origin: (JournalID, UInt64), to writer: inout ByteWriter
    ) {
        source.withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: receivedAtNanoseconds) { writer in
                writer.section(.requestHead) { section in
                    section.u16(UInt16(clamping: head.count))
                    for (name, value) in head {
                        section.u16(UInt16(clamping: name.utf8.count))
                        section.u16(UInt16(clamping: value.utf8.count))
                        section.bytes.append(contentsOf: name.utf8.prefix(Int(UInt16.max)))
                        section.bytes.append(contentsOf: value.utf8.prefix(Int(UInt16.max)))
                    }
                }
                body.withUnsafeBytes { writer.section(.body, $0) }
                writer.section(.replayOf) { section in
                    section.journalID(origin.0)
                    section.u64(origin.1)
                }
                appendStamp(startedNanoseconds: nil, to: &writer)
            }
        }
    }
}
