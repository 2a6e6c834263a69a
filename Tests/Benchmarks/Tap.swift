import Events
import TapPrinting
import Wire

/// What one record costs a tap, without sockets and output.
enum Tap {
    /// Filters and prints the record of `stream` as the normaliser passes it on.
    static func printing() -> () -> Void {
        guard let stream = Cases.all().first else { preconditionFailure("the first case is stream") }
        let way = WayThroughStages(stream)
        way.go()
        var stamps = ByteWriter()
        for role in [StageRole.ingress, .verifier, .normaliser] {
            StageStamp(
                stage: role, instance: "\(role)-0", startedNanoseconds: 1_767_225_600_123_456_789,
                finishedNanoseconds: 1_767_225_600_123_556_789
            ).write(to: &stamps)
        }
        let record = way.record + stamps.bytes
        var filter = TapFilter()
        filter.type = WildcardPattern("participant.*")
        let printer = TapPrinter(form: .json, showsHeaders: false, showsPayload: false)
        let origin = TapOrigin(HelloNotice(role: .normaliser, instance: "normaliser-0"))
        var output = ByteWriter()
        return {
            output.bytes.removeAll(keepingCapacity: true)
            record.withUnsafeBytes { bytes in
                guard let view = try? EnvelopeView(bytes) else { return }
                let seen = TapRecord(view, at: origin)
                if filter.passes(seen) { printer.append(seen, to: &output) }
            }
            if output.count < 500 { fatalError("the tap printed \(output.count) bytes") }
        }
    }
}
