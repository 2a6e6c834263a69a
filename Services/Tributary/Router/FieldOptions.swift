import ArgumentParser
import JSON
import PipelineConfiguration

/// Which keys of a subscription a command has options for.
protocol FieldSelection: Sendable {
    static var options: [FieldOption] { get }
}

/// An option for each key of a subscription that is selected, out of the table of its keys.
///
/// The argument parser learns a type's options from the wrapped properties that its mirror shows; here the mirror is made
/// of rows instead.
struct FieldOptions<Selection: FieldSelection>: ParsableArguments, CustomReflectable {
    /// Those that were given, in the order of the table.
    private(set) var values: [(option: FieldOption, value: JSONValue)] = []

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for option in Selection.options {
            let key = Key(stringValue: option.name)
            let value: JSONValue? =
                switch option.form {
                case .text: try container.decode(Option<String?>.self, forKey: key).wrappedValue.map { .string($0) }
                case .number:
                    try container.decode(Option<Int?>.self, forKey: key).wrappedValue.map { .number(String($0)) }
                case .list:
                    .array(try container.decode(Option<[String]>.self, forKey: key).wrappedValue.map { .string($0) })
                }
            if let value, value != .array([]) { values.append((option, value)) }
        }
    }

    func has(_ name: String) -> Bool { values.contains { $0.option.name == name } }

    var customMirror: Mirror {
        Mirror(self, children: Selection.options.map { (label: $0.name, value: Self.wrapper($0)) })
    }

    private static func wrapper(_ option: FieldOption) -> Any {
        let name = NameSpecification.customLong(option.name)
        func help(_ more: String = "", _ valueName: String? = nil) -> ArgumentHelp {
            ArgumentHelp(
                "\(option.doc) (\(option.expected))\(more)",
                valueName: valueName ?? option.path.last?.replacing("_", with: "-"))
        }
        return switch option.form {
        case .text: Option<String?>(name: name, help: help())
        case .number: Option<Int?>(name: name, help: help("", "n"))
        case .list: Option<[String]>(wrappedValue: [], name: name, help: help(" May be repeated.", option.name))
        }
    }
}
