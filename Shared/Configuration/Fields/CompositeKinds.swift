import JSON

// Kinds that are made of others.

extension FieldKind {
    /// An object with the keys of a table, compared as a whole.
    static func object(_ table: FieldTable<V>) -> FieldKind {
        var kind = FieldKind(
            table.expected, schema: { table.schema($0) },
            read: { value, base in
                var object = base ?? table.make()
                return table.read(value, into: &object) ? object : nil
            }, write: { object, use in table.write(object, use) })
        kind.secrets = { object, stage, stages in table.secrets(object, stage, stages) }
        kind.options = { table.options($0) }
        kind.pages = { table.pages($0) }
        return kind
    }

    /// An object with the keys of a table, which are compared one by one; what is right of it counts.
    static func section(_ table: FieldTable<V>) -> FieldKind {
        let object = object(table)
        var kind = FieldKind(
            object.expected, schema: object.schema,
            read: { value, base in
                var section = base ?? table.make()
                _ = table.read(value, into: &section)
                return section
            }, write: object.write)
        (kind.secrets, kind.options, kind.pages) = (object.secrets, object.options, object.pages)
        kind.changes = { table.changes($0, $1, "\($2).", $3) }
        return kind
    }

    /// A list. `what`: of what it is, for errors.
    static func list<Element>(
        of element: FieldKind<Element>, _ what: String, least: Int = 0, most: Int? = nil
    ) -> FieldKind where V == [Element] {
        var kind = FieldKind(
            "a list of \(what)",
            schema: { .array(of: element.schema($0), least: least > 0 ? least : nil, most: most) },
            read: { value, _ in
                guard let elements = value.elements else {
                    value.refuse("a list of \(what)")
                    return nil
                }
                return elements.compactMap { element.read($0, nil) }
            }, write: { elements, use in .array(elements.compactMap { element.write($0, use) }) })
        kind.secrets = { elements, stage, stages in elements.flatMap { element.secrets($0, stage, stages) } }
        kind.options = { element.options($0) }
        kind.option = element.option == .text ? .list : nil
        kind.pages = { element.pages("\($0)[]") }
        return kind
    }

    /// A list of objects with unique names, which are compared by their names; a new place in the list is no difference.
    static func named<Element>(
        _ table: FieldTable<Element>, _ what: String, by name: any KeyPath<Element, String> & Sendable
    ) -> FieldKind where V == [Element] {
        var kind = list(of: .object(table), "\(what)s")
        kind.changes = { old, new, _, concern in
            func change(_ name: String, _ word: String) -> ConfigurationChange {
                ConfigurationChange("\(what) \(name) \(word)", concern.stages, concern.effect)
            }
            let before = Dictionary(old.map { ($0[keyPath: name], $0) }) { first, _ in first }
            let kept = Set(new.map { $0[keyPath: name] })
            let removed = old.map { $0[keyPath: name] }.filter { !kept.contains($0) }
            return removed.map { change($0, "removed") }
                + new.flatMap { element in
                    let name = element[keyPath: name]
                    guard let former = before[name] else { return [change(name, "added")] }
                    return table.changes(former, element, "\(what) \(name): ", concern)
                }
        }
        return kind
    }

    /// A value that is written as one kind where it is a text or number, and as another where it is a mapping or list.
    static func either(
        _ expected: String? = nil, scalar: FieldKind, otherwise: FieldKind,
        isScalar: @escaping @Sendable (V) -> Bool
    ) -> FieldKind {
        var kind = FieldKind(
            expected ?? "\(scalar.expected), or \(otherwise.expected)",
            schema: { .anyOf([scalar.schema($0), otherwise.schema($0)]) },
            read: { value, base in
                value.scalar == nil ? otherwise.read(value, base) : scalar.read(value, base)
            },
            write: { value, use in
                isScalar(value) ? scalar.write(value, use) : otherwise.write(value, use)
            })
        kind.secrets = { value, stage, stages in
            isScalar(value) ? scalar.secrets(value, stage, stages) : otherwise.secrets(value, stage, stages)
        }
        kind.options = { scalar.options($0) + otherwise.options($0) }
        kind.option = scalar.option
        kind.pages = otherwise.pages
        return kind
    }

    /// The same kind of value, held in another type. `from` throws what is wrong; `to` is nil where it is left out.
    func converted<Other: Sendable>(
        _ from: @escaping @Sendable (V) -> Other, to: @escaping @Sendable (Other) -> V?
    ) -> FieldKind<Other> {
        var kind = FieldKind<Other>(
            expected, schema: schema, read: { read($0, $1.flatMap(to)).map(from) },
            write: { value, use in to(value).flatMap { write($0, use) } })
        if let text { kind.text = { to($0).map(text) ?? "none" } }
        kind.secrets = { value, stage, stages in to(value).map { secrets($0, stage, stages) } ?? [] }
        (kind.options, kind.option, kind.pages) = (options, option, pages)
        return kind
    }
}
