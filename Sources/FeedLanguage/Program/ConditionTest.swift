/// What a test says about one value.
enum ConditionTest {
    /// Whether `test` holds for a value of `kind`; `text` is a string's content, or the text of a number or word.
    static func isFulfilled(_ test: Condition.Test, kind: ValueKind, text: some Collection<UInt8>) -> Bool {
        switch test {
        case .exists(let expected): return (kind != .absent && kind != .null) == expected
        case .type(let types): return kind.type.map(types.contains) ?? false
        case .notLike(let pattern): return kind != .absent && !Self.isFulfilled(.like(pattern), kind: kind, text: text)
        case .matches, .notMatches: preconditionFailure("regular expressions are tried while the frame is read")
        case .like(let pattern):
            guard kind.type == .string else { return false }
            return text.count >= pattern.prefix.utf8.count + pattern.suffix.utf8.count
                && text.starts(with: pattern.prefix.utf8)
                && text.suffix(pattern.suffix.utf8.count).elementsEqual(pattern.suffix.utf8)
        case .anyOf(let scalars): return Self.contains(scalars, kind, text)
        case .noneOf(let scalars): return kind != .absent && !Self.contains(scalars, kind, text)
        }
    }

    private static func contains(_ scalars: [JSONScalar], _ kind: ValueKind, _ text: some Collection<UInt8>) -> Bool {
        let isString: Bool
        switch kind {
        case .string, .escapedString: isString = true
        case .number, .true_, .false_, .null: isString = false
        case .absent, .object, .array: return false
        }
        return scalars.contains { $0.isString == isString && text.elementsEqual($0.text.utf8) }
    }
}
