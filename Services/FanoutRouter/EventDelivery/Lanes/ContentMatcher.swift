import EventLog
import PipelineConfiguration
import SimdJSON

/// The part of a subscription's filter that looks into events: every condition must hold. It reads the data of an event
/// once, and only of those that the attributes let through. Belongs to one thread.
final class ContentMatcher {
    private let reader: JSONReader
    private let conditions: [(slot: Int, condition: ContentCondition)]

    /// Nil where there is nothing to look at.
    init?(_ conditions: [ContentCondition]) {
        guard !conditions.isEmpty else { return nil }
        var pointers: [String] = []
        self.conditions = conditions.map { condition in
            if let known = pointers.firstIndex(of: condition.pointer) { return (known, condition) }
            pointers.append(condition.pointer)
            return (pointers.count - 1, condition)
        }
        reader = JSONReader(fields: pointers, redactions: [])
    }

    /// Whether every condition holds. Data that is no JSON fulfils none.
    func matches(_ record: EventRecord) -> Bool {
        guard let data = record.payload, reader.readValue(data) == nil else { return false }
        return conditions.allSatisfy { holds($0.condition.test, at: $0.slot) }
    }

    /// The first condition that does not hold; nil where all do.
    func mismatch(_ record: EventRecord) -> LaneExplanation.Mismatch? {
        guard let data = record.payload, reader.readValue(data) == nil else {
            return LaneExplanation.Mismatch(part: .data, expected: "JSON", found: "none")
        }
        guard let failed = conditions.first(where: { !holds($0.condition.test, at: $0.slot) }) else { return nil }
        return LaneExplanation.Mismatch(
            part: .data, expected: failed.condition.sentence, found: found(failed.slot))
    }

    private func found(_ slot: Int) -> String {
        guard reader.isPresent(slot) else { return "nothing" }
        guard let text = reader.string(slot) ?? reader.number(slot) else { return "neither text nor number" }
        // A filter's values are short; what is compared with them may be anything.
        return String(decoding: text.prefix(200), as: UTF8.self)
    }

    private func holds(_ test: ContentCondition.Test, at slot: Int) -> Bool {
        switch test {
        case .exists(let expected):
            return reader.isPresent(slot) == expected
        case .oneOf(let texts):
            guard let text = reader.string(slot) ?? reader.number(slot) else { return false }
            return texts.contains { text.elementsEqual($0.utf8) }
        case .within(let atLeast, let below):
            guard let digits = reader.number(slot), let number = Double(String(decoding: digits, as: UTF8.self)) else {
                return false
            }
            return number >= atLeast ?? -.infinity && number < below ?? .infinity
        }
    }
}

extension ContentCondition {
    /// For people: what it asks for, with the place.
    fileprivate var sentence: String {
        switch test {
        case .oneOf(let texts): "\(pointer) is \(texts.joined(separator: " or "))"
        case .exists(let expected): expected ? "\(pointer) exists" : "\(pointer) does not exist"
        case .within(let atLeast, let below):
            "\(pointer) is a number"
                + (atLeast.map { ", at least \($0)" } ?? "") + (below.map { ", below \($0)" } ?? "")
        }
    }
}
