import Providers
import Yams

/// Signature schemes spelled out: see `SchemeSections.swift` for all keys.
extension ConfigurationDecoder {
    /// Nil after a report. What is left out is taken from `base`.
    func signatureScheme(_ part: Section, isEd25519: Bool, base: SignatureScheme?) -> SignatureScheme? {
        let reported = problems.errors.count
        let algorithm = isEd25519 ? SignatureField.Algorithm.ed25519 : digest(part)
        var signatures = signatureFields(part, algorithm: algorithm ?? .hmacSHA256)
        if signatures.isEmpty, part.optional("signature") == nil, let base {
            signatures = base.signatures.map { field in
                var changed = field
                if let algorithm, field.algorithm != .ed25519 { changed.algorithm = algorithm }
                return changed
            }
        }
        let timestamp = timestamp(part) ?? base?.timestamp
        let scheme = SignatureScheme(
            signatures,
            keyForm: part.choice(
                part.optional("key"), KeyForm.self, default: base?.keyForm ?? (isEd25519 ? .base64 : .text)),
            content: content(part) ?? base?.content ?? [.body], timestamp: timestamp,
            toleranceSeconds: tolerance(part, timestamp, base),
            keyField: fieldName(part.optional("key_header"), part) ?? base?.keyField,
            signsInflatedBody: part.boolean("signs_inflated_body", default: base?.signsInflatedBody ?? false),
            bodyDigestParameter: parameter(part, "body_digest_query") ?? base?.bodyDigestParameter,
            challenge: challenge(part) ?? base?.challenge,
            idField: fieldName(part.optional("id_header"), part) ?? base?.idField)
        if signatures.isEmpty, part.optional("signature") == nil {
            _ = part.required(
                "signature", expected: "where the signature is, such as { header: X-Signature, encoding: hex }")
        }
        checkSigned(part, scheme)
        return problems.errors.count == reported ? scheme : nil
    }

    private enum Digest: String, CaseIterable {
        case sha1, sha256, sha512

        var algorithm: SignatureField.Algorithm {
            switch self {
            case .sha1: .hmacSHA1
            case .sha256: .hmacSHA256
            case .sha512: .hmacSHA512
            }
        }
    }

    private func digest(_ part: Section) -> SignatureField.Algorithm? {
        part.optional("digest").map { part.choice($0, Digest.self, default: .sha256).algorithm }
    }

    /// One mapping, or a list of them.
    private func signatureFields(_ part: Section, algorithm: SignatureField.Algorithm) -> [SignatureField] {
        guard let value = part.optional("signature") else { return [] }
        let values: [Value]
        if case .sequence = value.node {
            part.requireElements("signature", expected: "at least one signature")
            values = part.list("signature", of: "signatures")
        } else {
            values = [value]
        }
        return values.compactMap { signatureField($0, algorithm: algorithm) }
    }

    private func signatureField(_ value: Value, algorithm: SignatureField.Algorithm) -> SignatureField? {
        let keys = ["header", "algorithm", "encoding", "prefix", "list"]
        guard let part = Section(value, keys: keys, problems: problems) else { return nil }
        let header = fieldName(part.required("header", expected: "the header field that holds the signature"), part)
        let own = part.choice(part.optional("algorithm"), SignatureField.Algorithm.self, default: algorithm)
        let encoding = part.choice(part.optional("encoding"), SignatureField.Encoding.self, default: .hex)
        let prefix = part.text(part.optional("prefix"), expected: "what stands before the signature, such as sha256=")
        let list = signatureList(part)
        return header.map { SignatureField(own, field: $0, encoding, prefix: prefix ?? "", list: list) }
    }

    private func signatureList(_ part: Section) -> SignatureField.List {
        let expected = "{ pairs: KEY } for t=1,v1=…, or { versions: VERSION } for v1,… v1,…"
        guard let value = part.optional("list"),
            let list = Section(value, keys: ["pairs", "versions"], problems: problems)
        else { return .single }
        let pairs = list.text(list.optional("pairs"), expected: "the key of the signature, such as v1")
        let versions = list.text(list.optional("versions"), expected: "the version of the signature, such as v1")
        switch (pairs, versions) {
        case (let key?, nil): return .pairs(key: key)
        case (nil, let version?): return .versions(version)
        default:
            problems.report(value, "expected \(expected)")
            return .single
        }
    }

    private func timestamp(_ part: Section) -> TimestampField? {
        guard let value = part.optional("timestamp"),
            let section = Section(value, keys: ["header", "pair", "unit"], problems: problems)
        else { return nil }
        let header = fieldName(section.required("header", expected: "the header field that holds the time"), section)
        let pair = section.text(section.optional("pair"), expected: "the key of the time, such as t")
        let unit = section.choice(section.optional("unit"), TimestampField.Unit.self, default: .seconds)
        return header.map { TimestampField(field: $0, pairKey: pair, unit: unit) }
    }

    /// Five minutes where a time is signed and nothing else is said.
    private func tolerance(_ part: Section, _ timestamp: TimestampField?, _ base: SignatureScheme?) -> Int? {
        guard let value = part.optional("tolerance") else {
            return base.map { $0.toleranceSeconds } ?? (timestamp == nil ? nil : 300)
        }
        if value.node.scalar?.string == "none" { return nil }
        if timestamp == nil {
            problems.report(value, "a tolerance needs a signed time; say where it is: timestamp: { header: … }")
        }
        let duration = part.duration(value, in: Duration.seconds(1)...Duration.seconds(30 * 86_400))
        return duration.map { Int($0.components.seconds) }
    }

    private func challenge(_ part: Section) -> Challenge? {
        guard let value = part.optional("challenge"), let text = part.text(value, expected: "zoom") else { return nil }
        if let challenge = Challenge(rawValue: text) { return challenge }
        problems.report(value, "expected zoom, found \(value.kind)")
        return nil
    }

    /// Reports what would let somebody change a signed request.
    private func checkSigned(_ part: Section, _ scheme: SignatureScheme) {
        let value = part.optional("content") ?? part.value
        let content = scheme.content
        if !content.contains(.body), !content.contains(.form), scheme.bodyDigestParameter == nil {
            problems.report(value, "does not hold {body}, so anybody could change the body; add it")
        }
        if content.contains(.timestamp), scheme.timestamp == nil {
            problems.report(value, "{timestamp} needs timestamp: { header: … }, which says where it is")
        }
        if let timestamp = scheme.timestamp, !content.contains(.timestamp), !content.contains(.field(timestamp.field)) {
            problems.report(value, "does not hold {timestamp}, so anybody could change the time; add it")
        }
    }
}

// MARK: - Content

extension ConfigurationDecoder {
    /// The pieces of a template, or nil after a report or where it is left out.
    private func content(_ part: Section) -> [ContentPart]? {
        guard let value = part.optional("content"),
            let text = part.text(value, expected: "what is signed, such as \"{timestamp}.{body}\"")
        else { return nil }
        do throws(InvalidTemplate) {
            return try Self.contentParts(text)
        } catch {
            problems.report(value, error.sentence)
            return nil
        }
    }

    private struct InvalidTemplate: Error {
        let sentence: String
    }

    private static func contentParts(_ text: String) throws(InvalidTemplate) -> [ContentPart] {
        var parts: [ContentPart] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            guard character == "{" || character == "}" else {
                literal.append(character)
                continue
            }
            if rest.first == character {
                rest.removeFirst()
                literal.append(character)
                continue
            }
            guard character == "{", let end = rest.firstIndex(of: "}") else {
                throw InvalidTemplate(sentence: "a brace without its counterpart; write {{ or }} for a brace itself")
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(try contentPart(String(rest[..<end])))
            rest = rest[rest.index(after: end)...]
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        return parts
    }

    private static func contentPart(_ name: String) throws(InvalidTemplate) -> ContentPart {
        switch name {
        case "body": return .body
        case "timestamp": return .timestamp
        case "url": return .url
        case "form": return .form
        default:
            if name.hasPrefix("header:"), isFieldName(String(name.dropFirst(7))) {
                return .field(name.dropFirst(7).lowercased())
            }
            let names = ["body", "timestamp", "url", "form", "header:NAME"]
            throw InvalidTemplate(sentence: "unknown part {\(name)}; \(Suggestion.hint(for: name, among: names))")
        }
    }
}
