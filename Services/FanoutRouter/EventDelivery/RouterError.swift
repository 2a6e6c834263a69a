/// Why the router did not do what was asked of it. The control API answers it as a problem with the same code.
package struct RouterError: Error, Sendable {
    package struct Code: Hashable, Sendable {
        /// The stable word; problems of the control API have the same (`RouterError.Code`).
        package let word: String

        static let notFound = Code(word: "not_found")
        /// The thing is in a state that does not allow it.
        static let conflict = Code(word: "conflict")
        /// What was given is not what is taken; `faults` says where.
        static let invalid = Code(word: "invalid")
        /// A bound is reached, such as the number of subscriptions.
        static let limitReached = Code(word: "limit_reached")
        /// The event log takes or answers nothing now.
        static let unavailable = Code(word: "unavailable")
    }

    /// One thing that is wrong with what was given.
    package struct Fault: Sendable, Equatable {
        /// A JSON Pointer, such as `/filter/types`.
        package let pointer: String
        package let sentence: String
    }

    package let code: Code
    /// What is wrong, why, and how to put it right.
    package let sentence: String
    package let faults: [Fault]

    init(_ code: Code, _ sentence: String, faults: [Fault] = []) {
        self.code = code
        self.sentence = sentence
        self.faults = faults
    }

    /// What was given is wrong in these places, of which there is at least one; the first is the sentence.
    static func invalid(_ faults: [Fault]) -> RouterError {
        let rest = faults.count > 1 ? "; \(faults.count - 1) more" : ""
        let first = faults.first.map { "\($0.pointer.isEmpty ? "the body" : $0.pointer): \($0.sentence)" } ?? ""
        return RouterError(.invalid, first + rest, faults: faults)
    }

    static func invalid(_ pointer: String, _ sentence: String) -> RouterError {
        invalid([Fault(pointer: pointer, sentence: sentence)])
    }
}
