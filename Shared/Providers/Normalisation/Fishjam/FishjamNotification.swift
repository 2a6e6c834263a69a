import JSON
import Primitives
import SimdJSON

/// A notification of Fishjam's, or an object in it, read from protobuf by `FishjamSchema` (protobuf.dev, "Encoding"): of
/// a field that comes twice the last counts, messages are merged, and fields that the schema does not know are passed
/// over. Its texts are parts of the bytes, which must outlive it.
struct FishjamNotification {
    enum Failure: Error {
        /// The bytes are no message of this kind.
        case malformed
        case tooManyNotifications
        case batchesTooDeep
    }

    /// Most notifications in one body. A batch this large of ordinary ones stays within the envelope.
    static let mostNotifications = 1500
    /// Deepest that batches may lie in batches; genuine ones never do.
    static let mostBatches = 4

    private enum Value {
        case text(UnsafeRawBufferPointer)
        case number(Int32)
        case message(FishjamNotification)
    }

    let bytes: UnsafeRawBufferPointer
    /// Whether something that has to be hidden may stand in the bytes, be it in a variant that another one replaced.
    private(set) var holdsCredential = false
    /// In the order of the fields' numbers, what is repeated in the order in which it came.
    private var values: [(field: FishjamField, value: Value)] = []

    /// A `ServerMessage`.
    init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var room = Self.mostNotifications
        try self.init(bytes, FishjamSchema.variants, batches: 0, &room)
    }

    private init(
        _ bytes: UnsafeRawBufferPointer, _ schema: [FishjamField], batches: Int, _ room: inout Int
    ) throws(Failure) {
        self.bytes = bytes
        values.reserveCapacity(min(schema.count, 4))
        var fields = ProtobufFields(bytes)
        while let found = fields.next() {
            guard let field = schema.first(where: { $0.number == found.number }) else { continue }
            switch (field.kind, found.content, found.value) {
            case (.text, let text?, _): set(field, .text(try Self.utf8(text)))
            case (.token, let text?, _), (.address, let text?, _):
                set(field, .text(try Self.utf8(text)))
                holdsCredential = true
            case (.names, _, let number?): set(field, .number(Int32(truncatingIfNeeded: number)))
            case (.message(let inner), let content?, _):
                add(try FishjamNotification(content, inner, batches: batches, &room), field)
            case (.notifications, let content?, _):
                guard batches < Self.mostBatches else { throw .batchesTooDeep }
                guard room > 0 else { throw .tooManyNotifications }
                room -= 1
                add(
                    try FishjamNotification(content, FishjamSchema.variants, batches: batches + 1, &room), field)
            default: break
            }
        }
        guard fields.isAtEnd else { throw .malformed }
    }

    private static func utf8(_ text: UnsafeRawBufferPointer) throws(Failure) -> UnsafeRawBufferPointer {
        guard text.allSatisfy({ $0 < 0x80 }) || String(validating: text, as: UTF8.self) != nil else { throw .malformed }
        return text
    }

    private mutating func add(_ message: FishjamNotification, _ field: FishjamField) {
        if message.holdsCredential { holdsCredential = true }
        set(field, .message(message))
    }

    private mutating func set(_ field: FishjamField, _ value: Value) {
        if case .notifications = field.kind {
            // A list grows.
        } else if let place = values.firstIndex(where: { $0.field === field }) {
            if case (.message(var merged), .message(let later)) = (values[place].value, value) {
                for (field, value) in later.values { merged.set(field, value) }
                values[place].value = .message(merged)
            } else {
                values[place].value = value
            }
            return
        } else if field.isChoice {
            values.removeAll { $0.field.isChoice }
        }
        let before = values.lastIndex { $0.field.number <= field.number }
        values.insert((field, value), at: before.map { $0 + 1 } ?? 0)
    }
}

/// What a `ServerMessage` says.
extension FishjamNotification {
    /// Nil where it has no variant that this build knows.
    var variant: FishjamField? { values.first?.field }

    /// The notifications of a batch; nil where this is none.
    var notifications: [FishjamNotification]? {
        guard variant?.number == FishjamSchema.batch, let batch = content else { return nil }
        return batch.values.compactMap { if case .message(let message) = $0.value { message } else { nil } }
    }

    /// The text of a field of the variant, such as `track`, `id`; nil where it has none.
    func text(_ path: [String]) -> UnsafeRawBufferPointer? {
        var (message, text) = (content, UnsafeRawBufferPointer?.none)
        for name in path {
            switch message?.values.first(where: { $0.field.name == name })?.value {
            case .message(let inner): message = inner
            case .text(let found): text = found
            case .number, nil: return nil
            }
        }
        return text
    }

    /// The number of the variant's `status`.
    var status: Int32? {
        guard case .number(let status) = content?.values.first(where: { $0.field.name == "status" })?.value else {
            return nil
        }
        return status
    }

    private var content: FishjamNotification? {
        guard case .message(let content) = values.first?.value else { return nil }
        return content
    }
}

/// What is passed on of it.
extension FishjamNotification {
    private static let redacted = Array("[redacted]".utf8)

    /// Appends proto3 JSON (protobuf.dev, "ProtoJSON Format"): fields in lower camel case and in the order of their numbers,
    /// enumerations by name or, where this build has no name, by number; what has its default value is left out.
    /// Credentials are hidden.
    func write(to json: inout [UInt8]) {
        json.append(UInt8(ascii: "{"))
        var last: FishjamField?
        for (field, value) in values {
            switch value {
            case .text(let text) where text.isEmpty && !field.isChoice: continue
            case .number(0): continue
            default: break
            }
            if last != nil { json.append(UInt8(ascii: ",")) }
            if last !== field {
                json.append(contentsOf: field.key)
                if case .notifications = field.kind { json.append(UInt8(ascii: "[")) }
            }
            Self.write(value, of: field, to: &json)
            last = field
        }
        // A list is the only field of its message.
        if case .notifications = last?.kind { json.append(UInt8(ascii: "]")) }
        json.append(UInt8(ascii: "}"))
    }

    private static func write(_ value: Value, of field: FishjamField, to json: inout [UInt8]) {
        switch (field.kind, value) {
        case (_, .message(let message)): message.write(to: &json)
        case (.names(let names), .number(let number)):
            if names.indices.contains(Int(number)) {
                json.append(UInt8(ascii: "\""))
                json.append(contentsOf: names[Int(number)].utf8)
                json.append(UInt8(ascii: "\""))
            } else {
                json.append(contentsOf: String(number).utf8)
            }
        case (_, .text(let text)):
            json.append(UInt8(ascii: "\""))
            if let shown = shown(text, of: field) {
                shown.withUnsafeBytes { JSONString.append($0, to: &json) }
            } else {
                JSONString.append(text, to: &json)
            }
            json.append(UInt8(ascii: "\""))
        case (_, .number): break
        }
    }

    /// What stands in the place of a text that may have to be hidden; nil for all others.
    private static func shown(_ text: UnsafeRawBufferPointer, of field: FishjamField) -> [UInt8]? {
        switch field.kind {
        case .token: text.isEmpty ? [] : redacted
        case .address: Array(Credentials.shown(String(decoding: text, as: UTF8.self)).utf8)
        default: nil
        }
    }

    /// The bytes of a `ServerMessage`, with credentials hidden wherever they stand.
    var bytesWithoutCredentials: [UInt8] { Self.hidden(bytes, FishjamSchema.variants) }

    private static func hidden(_ bytes: UnsafeRawBufferPointer, _ schema: [FishjamField]) -> [UInt8] {
        ProtobufFields(bytes).flatMap { found -> [UInt8] in
            guard let content = found.content, let field = schema.first(where: { $0.number == found.number }) else {
                return Array(found.bytes)
            }
            let inside: [UInt8]? =
                switch field.kind {
                case .message(let inner): hidden(content, inner)
                case .notifications: hidden(content, FishjamSchema.variants)
                default: shown(content, of: field)
                }
            return inside.map { ProtobufFields.field(found.number, $0) } ?? Array(found.bytes)
        }
    }
}
