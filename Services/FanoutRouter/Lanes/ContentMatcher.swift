import EventLog
import Providers
import StageRuntime

/// The part of a subscription's filter that looks into events: every condition must hold. It reads the data of an event
/// once, and only of those that the attributes let through. Belongs to one thread.
final class ContentMatcher {
    private let reader: JSONReader
    private let conditions: [(slot: Int, test: ContentCondition.Test)]

    /// Nil where there is nothing to look at.
    init?(_ conditions: [ContentCondition]) {
        guard !conditions.isEmpty else { return nil }
        var pointers: [String] = []
        self.conditions = conditions.map { condition in
            if let known = pointers.firstIndex(of: condition.pointer) { return (known, condition.test) }
            pointers.append(condition.pointer)
            return (pointers.count - 1, condition.test)
        }
        reader = JSONReader(fields: pointers, redactions: [])
    }

    /// Whether every condition holds. Data that is no JSON fulfils none.
    func matches(_ record: EventRecord) -> Bool {
        guard let data = record.payload, reader.readValue(data) == nil else { return false }
        return conditions.allSatisfy { holds($0.test, at: $0.slot) }
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
