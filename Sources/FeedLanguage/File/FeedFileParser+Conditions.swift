import Market

extension FeedFileParser {
    /// A `when`: a mapping whose tests all hold, or a list of such mappings of which one holds.
    func alternatives(_ value: YAMLValue) throws(FeedFileError) -> [[Condition]] {
        guard case .sequence(let items) = value.content else { return [try self.conditions(value)] }
        guard !items.isEmpty else {
            throw self.reader.error(value.mark, "'when' is an empty list: write what must hold.")
        }
        var alternatives: [[Condition]] = []
        for item in items { alternatives.append(try self.conditions(item)) }
        return alternatives
    }

    /// A mapping from paths to tests.
    func conditions(_ value: YAMLValue) throws(FeedFileError) -> [Condition] {
        var result: [Condition] = []
        for (key, value) in try self.pairs(value, "'when'") {
            let path = try self.reader.path(key, "'when'")
            guard !path.isEveryEntry else {
                throw self.reader.error(key.mark, "'when': '*' belongs into 'each'; a test looks at one place.")
            }
            guard !path.isRequestSymbol else {
                throw self.reader.error(key.mark, "'when': '@symbol' is a value for 'symbol', not a place to test.")
            }
            guard case .mapping = value.content else {
                result.append(Condition(path: path, test: .anyOf(try self.reader.scalars(value, "a value of 'when'"))))
                continue
            }
            let section = try self.reader.section(
                value, "a test on '\(path)'",
                keys: ["exists", "absent", "type", "like", "prefix", "suffix", "matches", "not"]
            )
            for name in section.order {
                let operand = try section.required(name)
                if name == "not", case .mapping = operand.content {
                    for test in try self.negated(operand) { result.append(Condition(path: path, test: test)) }
                } else {
                    result.append(Condition(path: path, test: try self.test(name, operand)))
                }
            }
        }
        return result
    }

    /// `not: {like: "x*"}`: there is a value, and the test does not hold for it.
    private func negated(_ value: YAMLValue) throws(FeedFileError) -> [Condition.Test] {
        let section = try self.reader.section(
            value, "'not'", keys: ["type", "like", "prefix", "suffix", "matches"])
        var tests: [Condition.Test] = []
        for name in section.order {
            switch try self.test(name, section.required(name)) {
            case .like(let pattern): tests.append(.notLike(pattern))
            case .matches(let pattern): tests.append(.notMatches(pattern))
            case .type(let types): tests.append(.type(JSONType.allCases.filter { !types.contains($0) }))
            case .anyOf, .noneOf, .exists, .notLike, .notMatches:
                preconditionFailure("'\(name)' is not among the tests that 'not' takes")
            }
        }
        return tests
    }

    private func test(_ name: String, _ operand: YAMLValue) throws(FeedFileError) -> Condition.Test {
        switch name {
        case "exists": return .exists(try self.reader.boolean(operand, "'exists'"))
        case "absent": return .exists(!(try self.reader.boolean(operand, "'absent'")))
        case "like": return .like(try self.reader.like(operand, "'like'"))
        case "prefix": return .like(LikePattern(prefix: try self.reader.text(operand, "'prefix'"), suffix: ""))
        case "suffix": return .like(LikePattern(prefix: "", suffix: try self.reader.text(operand, "'suffix'")))
        case "matches": return .matches(try self.reader.pattern(operand, "'matches'"))
        case "not": return .noneOf(try self.reader.scalars(operand, "'not'"))
        default:
            var types: [JSONType] = []
            for item in self.reader.list(operand) {
                types.append(try self.reader.choice(item, "'type'", JSONType.self))
            }
            return .type(types)
        }
    }
}
