import Market

extension ProgramBuilder {
    mutating func buildWatches() -> [Watch] {
        var bySlot: [Int: [(test: Condition.Test, number: Int)]] = [:]
        for (test, number) in self.tests { bySlot[test.slot, default: []].append((test: test.test, number: number)) }
        var watched: [(tree: Tree, slot: Int)] = []
        self.forEachTree(self.scopes[0].tree) { tree in
            guard let slot = tree.slot, bySlot[slot] != nil else { return }
            watched.append((tree: tree, slot: slot))
        }
        var watches: [Watch] = []
        for (tree, slot) in watched {
            tree.watch = watches.count
            watches.append(self.watch(bySlot[slot] ?? [], slot: slot))
        }
        return watches
    }

    func forEachTree(_ tree: Tree, _ body: (Tree) -> Void) {
        body(tree)
        for (_, child) in tree.keys { self.forEachTree(child, body) }
        for (_, child) in tree.indexes { self.forEachTree(child, body) }
    }

    /// What it means for the rules that test `number` has the given result.
    func verdict(_ number: Int, _ isFulfilled: Bool) -> Verdict {
        let bit = UInt64(1) << UInt64(number)
        if isFulfilled { return Verdict(possible: .max, fulfilled: bit) }
        var possible = UInt64.max
        for (rule, need) in self.needs.enumerated() where need & bit != 0 { possible &= ~(1 << UInt64(rule)) }
        return Verdict(possible: possible, fulfilled: 0)
    }

    mutating func watch(_ tests: [(test: Condition.Test, number: Int)], slot: Int) -> Watch {
        var words: Set<JSONScalar> = []
        var affixes: [AffixTest] = []
        var patterns: [PatternTest] = []
        for (test, number) in tests {
            let yes = self.verdict(number, true)
            let no = self.verdict(number, false)
            switch test {
            case .anyOf(let scalars), .noneOf(let scalars): words.formUnion(scalars)
            case .like(let pattern):
                affixes.append(AffixTest(affix: self.affix(pattern), whenTrue: yes, whenFalse: no))
            case .notLike(let pattern):
                affixes.append(AffixTest(affix: self.affix(pattern), whenTrue: no, whenFalse: yes))
            case .matches(let pattern):
                patterns.append(PatternTest(pattern: self.number(of: pattern), whenTrue: yes, whenFalse: no))
            case .notMatches(let pattern):
                patterns.append(PatternTest(pattern: self.number(of: pattern), whenTrue: no, whenFalse: yes))
            case .exists, .type: break
            }
        }
        // Equality only: types are judged by kind, affixes one by one.
        func equality(_ kind: ValueKind, _ text: [UInt8]) -> Verdict {
            tests.reduce(Verdict()) { verdict, entry in
                switch entry.test {
                case .anyOf, .noneOf:
                    verdict
                        & self.verdict(entry.number, ConditionTest.isFulfilled(entry.test, kind: kind, text: text))
                case .exists, .type, .like, .notLike, .matches, .notMatches: verdict
                }
            }
        }
        var strings: [(text: [UInt8], value: Int32)] = []
        var literals: [(text: [UInt8], value: Int32)] = []
        var verdicts: [Verdict] = []
        for (index, word) in words.enumerated() {
            let text = Array(word.text.utf8)
            verdicts.append(equality(word.isString ? .string : .number, text))
            if word.isString {
                strings.append((text: text, value: Int32(index)))
            } else {
                literals.append((text: text, value: Int32(index)))
            }
        }
        let kinds = ValueKind.allCases.map { kind in
            tests.reduce(Verdict()) { verdict, entry in
                switch entry.test {
                case .exists, .type:
                    verdict & self.verdict(entry.number, ConditionTest.isFulfilled(entry.test, kind: kind, text: []))
                case .anyOf, .noneOf, .like, .notLike, .matches, .notMatches: verdict
                }
            }
        }
        let absent = tests.reduce(Verdict()) { verdict, entry in
            let isFulfilled =
                switch entry.test {
                case .matches, .notMatches: false
                case .anyOf, .noneOf, .exists, .type, .like, .notLike:
                    ConditionTest.isFulfilled(entry.test, kind: .absent, text: [])
                }
            return verdict & self.verdict(entry.number, isFulfilled)
        }
        return Watch(
            strings: self.memory.table(strings), literals: self.memory.table(literals),
            verdicts: self.memory.store(verdicts), otherwise: equality(.object, []), kinds: self.memory.store(kinds),
            affixes: self.memory.store(affixes), affixCount: affixes.count, patterns: self.memory.store(patterns),
            patternCount: patterns.count, slot: slot, whenAbsent: absent
        )
    }
}
