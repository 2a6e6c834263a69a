import Events
import SimdJSON
import WebhookSamples

/// The JSON gate against a second opinion.
final class JSONBench: FuzzFixture {
    private static let fields = ["type", "a", "a.b", "call.cid", "created_at", "id", "/a/0/b", "/~01/~10"]
    private let reader = JSONReader(fields: fields, redactions: ["a.*.secret", "**.password", "client_ip"])
    private let second = JSONReader(fields: [], redactions: [])
    private var redacted: [UInt8] = []

    func tryOne(_ input: UnsafeRawBufferPointer) {
        let text = input.withoutByteOrderMark
        let expected = StrictJSON.examine(text)
        let isObject = text.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
        tryValue(input, isValid: expected.verdict == .valid && expected.depth <= 64)
        let code = reader.read(input)
        switch code {
        case nil:
            must(expected.verdict == .valid && expected.depth <= 64 && isObject, "what is accepted is an object")
            lookAtFields()
            lookAtRedactions(input)
        case .bodyTooDeep:
            must(expected.depth > 64 || expected.verdict == .invalid, "what is refused as too deep is deep")
        case .bodyNotObject:
            must(expected.verdict == .valid && !isObject, "what is refused as no object is other JSON")
        case .bodyNotJSON:
            must(expected.verdict == .invalid, "what is refused as no JSON is none")
        default:
            fatalError("broken: the gate refuses with \(code.map(\.rawValue) ?? "")")
        }
    }

    /// Any value, and the batch that it may be.
    private func tryValue(_ input: UnsafeRawBufferPointer, isValid: Bool) {
        guard reader.readValue(input) == nil else {
            must(!isValid, "any JSON that is not too deep can be read")
            return
        }
        must(isValid, "what is read as a value is JSON")
        lookAtCanonicalForm()
        for pointer in [nil, "/a"] {
            guard case .found(let count) = reader.readElements(input, at: pointer) else { continue }
            for index in 0..<min(count, 50) {
                let code = reader.select(index)
                let element = UnsafeRawBufferPointer(rebasing: input[reader.elementRange])
                must(StrictJSON.verdict(element) == .valid, "an element is JSON")
                must((code == nil) == (element.first == UInt8(ascii: "{")), "an element with fields is an object")
                if code == nil { lookAtFields() }
                lookAtCanonicalForm()
            }
        }
    }

    private func lookAtFields() {
        for slot in Self.fields.indices {
            if let text = reader.string(slot) {
                must(String(validating: text, as: UTF8.self) != nil, "the text of a field is UTF-8")
            }
            if let digits = reader.number(slot) {
                must(StrictJSON.verdict(digits) == .valid, "the digits of a field are a number")
            }
            if let text = reader.identifier(slot) {
                must((1...JSONReader.identifierBytes).contains(text.count), "an identifier is short")
            }
        }
    }

    private func lookAtRedactions(_ input: UnsafeRawBufferPointer) {
        redacted.removeAll(keepingCapacity: true)
        reader.writeRedacted(input, into: &redacted)
        redacted.withUnsafeBytes { text in
            must(StrictJSON.verdict(text) == .valid, "what is left after redaction is JSON")
            if !reader.hasRedactions {
                must(text.elementsEqual(input.withoutByteOrderMark), "without redactions nothing changes")
            }
        }
    }

    /// The canonical form is JSON, and its own canonical form.
    private func lookAtCanonicalForm() {
        for exact in [false, true] {
            let form = Array(reader.canonical(exactNumbers: exact))
            form.withUnsafeBytes { text in
                must(StrictJSON.verdict(text) == .valid, "a canonical form is JSON")
                must(second.readValue(text) == nil, "a canonical form can be read")
                must(
                    second.canonical(exactNumbers: exact).elementsEqual(text),
                    "a canonical form is its own canonical form")
            }
        }
    }

    static func seeds() -> [[UInt8]] {
        let bodies = ((try? SampleLibrary.samples(of: "fastpix")) ?? []).map(\.body)
        let texts = [
            #"{"a":{"x":{"secret":1},"b":"é😀\ud83d\ude00\u0000"},"password":[1,{"password":null}]}"#,
            #"{"a":-0.10e+308,"b":1E400,"c":123456789012345678901234567890}"#, #"[[[[]],{}]]"#, #""text""#, "-0",
            "null",
            #"{"a":1,"a":{"b":"2"},"type":true}"#,
            String(repeating: "[", count: 70) + String(repeating: "]", count: 70),
            String(repeating: #"{"a":"#, count: 64) + "1" + String(repeating: "}", count: 64),
        ]
        return bodies.prefix(6) + texts.map { Array($0.utf8) }
    }
}
