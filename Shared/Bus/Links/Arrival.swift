internal import Wire
internal import ZeroMQ

/// One transmission on a link, taken apart: header frame and body frame.
struct Arrival {
    let header: LinkHeader
    let body: Frame

    /// `frames` without a ROUTER's id frame. Whatever is not in this format throws and harms nothing.
    init(_ frames: ArraySlice<Frame>) throws(WireError) {
        guard frames.count == 2, let first = frames.first, let last = frames.last else { throw .badLength }
        header = try first.withBytes { bytes throws(WireError) in try LinkHeader(bytes) }
        guard Int(header.bodyBytes) == last.byteCount else { throw .badLength }
        body = last
    }

    /// Whether the role whose key the sender has proven may say this; in a hello, that it is the one that it says it is.
    var isPermitted: Bool {
        get throws(WireError) {
            let speakers: [StageRole]
            switch header.kind {
            case .hello: speakers = [try read(HelloNotice.init).role]
            case .verdicts: speakers = [.verifier]
            case .lost: speakers = [.verifier, .normaliser]
            case .settlement, .refusal: speakers = [.router]
            default: return true
            }
            return speakers.contains { $0.description == body.sender }
        }
    }

    /// Reads the body as a notice: `try arrival.read(CreditNotice.init)`.
    func read<Notice>(_ parse: (UnsafeRawBufferPointer) throws(WireError) -> Notice) throws(WireError) -> Notice {
        try body.withBytes(parse)
    }
}

extension LinkHeader {
    /// This header as a frame.
    func frame() -> Frame {
        var writer = ByteWriter(reservingBytes: Self.byteCount)
        write(to: &writer)
        return Frame(writer.bytes)
    }
}
