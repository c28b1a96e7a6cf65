import Market

extension ProgramBuilder {
    mutating func rule(
        _ body: MessageRule.Body, chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> RuleCode {
        var items: [ItemCode] = []
        var code = RuleCode(
            body: .items, items: self.memory.store(items), itemCount: 0, scopes: self.memory.store(chain),
            scopeCount: chain.count
        )
        switch body {
        case .fixed(.ignored): code.body = .ignored
        case .fixed(.control): code.body = .control
        case .fixed(.reconnect): code.body = .reconnect
        case .error(let mapping):
            code.body = .error
            code.message = try self.field(mapping.message, chain: chain)
            code.detail = try self.field(mapping.detail, chain: chain)
        case .items(let rules):
            for rule in rules {
                items.append(
                    ItemCode(
                        conditions: try self.conditions(rule.conditions, chain: chain, mark: rule.mark),
                        trade: try self.trade(rule.trade, chain: chain, mark: rule.mark),
                        quote: try self.quote(rule.quote, chain: chain, mark: rule.mark)
                    )
                )
            }
            code.items = self.memory.store(items)
            code.itemCount = items.count
        }
        return code
    }

    mutating func conditions(
        _ conditions: [Condition], chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> ConditionList {
        var codes: [ConditionCode] = []
        for condition in conditions {
            let reference = try self.reference(condition.path, chain: chain, mark: mark)
            codes.append(self.code(condition.test, reference))
        }
        return ConditionList(conditions: self.memory.store(codes), count: codes.count)
    }

    func code(_ test: Condition.Test, _ reference: SlotReference) -> ConditionCode {
        var words: [JSONScalar] = []
        var kinds: UInt16 = 0
        var pattern = LikePattern(prefix: "", suffix: "")
        let operation: ConditionCode.Operation
        switch test {
        case .anyOf(let scalars):
            operation = .anyOf
            words = scalars
        case .noneOf(let scalars):
            operation = .noneOf
            words = scalars
        case .exists(let expected): operation = expected ? .exists : .absent
        case .type(let types):
            operation = .type
            for kind in ValueKind.allCases where kind.type.map(types.contains) ?? false {
                kinds |= 1 << UInt16(kind.rawValue)
            }
        case .like(let like):
            operation = .like
            pattern = like
        }
        return ConditionCode(
            scope: reference.scope, slot: reference.slot, operation: operation,
            strings: self.memory.table(words.filter(\.isString).map { (text: Array($0.text.utf8), value: 0) }),
            literals: self.memory.table(words.filter { !$0.isString }.map { (text: Array($0.text.utf8), value: 0) }),
            kinds: kinds, affix: self.affix(pattern)
        )
    }

    func affix(_ pattern: LikePattern) -> Affix {
        Affix(
            prefix: self.memory.store(Array(pattern.prefix.utf8)), prefixCount: pattern.prefix.utf8.count,
            suffix: self.memory.store(Array(pattern.suffix.utf8)), suffixCount: pattern.suffix.utf8.count
        )
    }

    mutating func field(_ source: ValueSource?, chain: [Int]) throws(FeedFileError) -> FieldCode {
        guard let source else { return FieldCode() }
        var references: [SlotReference] = []
        for path in source.paths { references.append(try self.reference(path, chain: chain, mark: source.mark)) }
        var code = FieldCode(
            isMapped: true, unit: TimeUnitCode(source.unit), captured: source.like.map { self.affix($0) },
            sides: source.sides.map { sides in
                self.memory.table(sides.map { (text: Array($0.key.utf8), value: Int32($0.value.rawValue)) })
            },
            fallbackSide: source.fallbackSide.rawValue
        )
        if let first = references.first {
            code.scope = Int32(first.scope)
            code.slot = Int32(first.slot)
        }
        // By far the most usual of its kind needs no look at the details.
        code.zeroIsNone = source.none == ["0"]
        let hasWords = !source.none.isEmpty && !code.zeroIsNone
        code.isSimple = source.constant == nil && source.like == nil && !hasWords
        if references.count > 1 || !code.isSimple {
            code.detail = Int32(self.details.count)
            self.details.append(
                FieldDetail(
                    alternatives: Array(references.dropFirst()), constant: source.constant, like: source.like,
                    none: source.none, noneDecimals: source.none.compactMap(Decimal64.init)
                )
            )
        }
        return code
    }

    mutating func snapshot(
        _ rule: SnapshotRule, chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> SnapshotCode {
        let none = ConditionList(conditions: self.memory.store([]), count: 0)
        switch rule {
        case .constant(let value): return SnapshotCode(isAlways: value, needs: 0, conditions: none)
        case .when(let conditions):
            if let needs = try self.watchedTests(conditions, chain: chain, mark: mark) {
                return SnapshotCode(isAlways: false, needs: needs, conditions: none)
            }
            return SnapshotCode(
                isAlways: false, needs: 0, conditions: try self.conditions(conditions, chain: chain, mark: mark)
            )
        }
    }

    /// The numbers of tests that all look at the frame; `nil` when one looks at an item, or there is no number left.
    mutating func watchedTests(
        _ conditions: [Condition], chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> UInt64? {
        guard self.tests.count + conditions.count <= Self.limit else { return nil }
        var references: [SlotReference] = []
        for condition in conditions { references.append(try self.reference(condition.path, chain: chain, mark: mark)) }
        guard references.allSatisfy({ $0.scope == 0 }) else { return nil }
        var needs: UInt64 = 0
        for (condition, reference) in zip(conditions, references) {
            let test = WatchedTest(slot: reference.slot, test: condition.test)
            let number = self.tests[test] ?? self.tests.count
            self.tests[test] = number
            needs |= 1 << UInt64(number)
        }
        return needs
    }

    mutating func trade(
        _ mapping: TradeMapping?, chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> UnsafeMutablePointer<TradeCode>? {
        guard let mapping else { return nil }
        let code = TradeCode(
            symbol: try self.field(mapping.symbol, chain: chain),
            price: try self.field(mapping.price, chain: chain),
            size: try self.field(mapping.size, chain: chain),
            side: try self.field(mapping.side, chain: chain),
            time: try self.field(mapping.time, chain: chain),
            id: try self.field(mapping.id, chain: chain),
            sequence: try self.field(mapping.sequence, chain: chain),
            snapshot: try self.snapshot(mapping.snapshot, chain: chain, mark: mark)
        )
        return self.memory.store([code])
    }

    mutating func quote(
        _ mapping: QuoteMapping?, chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> UnsafeMutablePointer<QuoteCode>? {
        guard let mapping else { return nil }
        let code = QuoteCode(
            symbol: try self.field(mapping.symbol, chain: chain),
            bid: try self.field(mapping.bid, chain: chain),
            ask: try self.field(mapping.ask, chain: chain),
            bidSize: try self.field(mapping.bidSize, chain: chain),
            askSize: try self.field(mapping.askSize, chain: chain),
            last: try self.field(mapping.last, chain: chain),
            time: try self.field(mapping.time, chain: chain),
            sequence: try self.field(mapping.sequence, chain: chain),
            snapshot: try self.snapshot(mapping.snapshot, chain: chain, mark: mark)
        )
        return self.memory.store([code])
    }
}
