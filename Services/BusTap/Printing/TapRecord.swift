import Events
package import Wire

/// The instance that a record passed, with its name as it is printed.
package struct TapOrigin {
    let role: StageRole
    /// Escaped.
    let instance: [UInt8]
    /// How each JSON object of this instance begins, up to the journal's digits.
    let jsonHead: [UInt8]

    package init(_ notice: HelloNotice) {
        role = notice.role
        var name = ByteWriter()
        name.plain(notice.instance)
        instance = name.bytes
        var head = ByteWriter()
        head.text("{\"stage\":\"")
        head.plain(notice.role.description)
        head.text("\",\"instance\":\"")
        head.raw(instance)
        head.text("\",\"journal\":\"")
        jsonHead = head.bytes
    }
}

/// One record as it passed one hop: a view, which must not outlive the batch that it came in.
package struct TapRecord {
    package let envelope: EnvelopeView
    let origin: TapOrigin
    /// When it passed the hop: nanoseconds since 1970; nil where the stage is of a version that does not say so.
    let passedNanoseconds: Int64?

    package init(_ envelope: EnvelopeView, at origin: TapOrigin, passedNanoseconds: Int64? = nil) {
        self.envelope = envelope
        self.origin = origin
        self.passedNanoseconds = passedNanoseconds
    }

    var verification: Verification? {
        envelope.section(.verification).flatMap { try? Verification(section: $0) }
    }

    func forEachRejection(_ visit: (Rejection) -> Void) {
        guard envelope.section(.rejection) != nil else { return }
        envelope.forEachSection { tag, content in
            if tag == .rejection, let rejection = try? Rejection(section: content) { visit(rejection) }
            return true
        }
    }

    func forEachStamp(_ visit: (StageStamp) -> Void) {
        envelope.forEachSection { tag, content in
            if tag == .stamp, let stamp = try? StageStamp(content) { visit(stamp) }
            return true
        }
    }

    /// Events before the first that is damaged.
    func forEachEvent(_ visit: (CanonicalEventView) -> Void) {
        try? envelope.forEachEvent(visit)
    }

    /// The header fields of the request, of which `hidden` masks some.
    func fields(hiding hidden: SecretFields?) -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        if let head = envelope.section(.requestHead) {
            RequestHead(head).forEachField { name, value in
                found.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
                return true
            }
        }
        return hidden?.shown(found) ?? found
    }

    /// Without transport compression, once the verifier has taken it off.
    var body: [UInt8] {
        (envelope.section(.inflatedBody) ?? envelope.section(.body)).map { Array($0) } ?? []
    }
}
