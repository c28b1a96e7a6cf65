import Market

extension ProgramBuilder {
    mutating func rule(_ rule: MessageRule) throws(FeedFileError) -> RuleCode {
        var code = RuleCode(body: .ignored, outputs: self.memory.store([]))
        switch rule.body {
        case .fixed(.ignored): code.body = .ignored
        case .fixed(.control): code.body = .control
        case .fixed(.reconnect): code.body = .reconnect
        case .error(let mapping):
            code.body = .error
            code.error = try self.error(mapping, chain: [0])
        case .fatal(let mapping):
            code.body = .fatal
            code.error = try self.error(mapping, chain: [0])
        case .reply(let template):
            code.body = .reply
            code.reply = self.replies.count
            var values: [(path: FieldPath, slot: SlotReference)] = []
            for path in template.framePaths {
                values.append((path: path, slot: try self.reference(path, chain: [0], mark: rule.mark)))
            }
            self.replies.append(ReplyCode(template: template, values: values))
        case .acknowledgement(let mapping):
            code.body = .acknowledgement
            code.accepted = try self.acknowledgement(mapping.accepted, mark: rule.mark)
            code.failed = try self.acknowledgement(mapping.failed, mark: rule.mark)
        case .registration(let mapping):
            code.body = .registration
            code.id = try self.field(mapping.id, chain: [0])
            code.kind = try self.field(mapping.kind, chain: [0])
            code.symbol = try self.field(mapping.symbol, chain: [0])
        case .outputs(let outputs):
            code.body = .outputs
            var codes: [OutputCode] = []
            for output in outputs { codes.append(try self.output(output, mark: rule.mark)) }
            code.outputs = self.memory.store(codes)
            code.outputCount = codes.count
        }
        if let channel = rule.channel {
            code.channel = try self.field(channel.id, chain: [0])
            if let kind = channel.kind {
                code.channelKind = self.channelKinds.firstIndex(of: kind) ?? self.channelKinds.count
                if code.channelKind == self.channelKinds.count { self.channelKinds.append(kind) }
            }
        }
        return code
    }

    private mutating func chain(_ levels: [FieldPath], mark: SourceMark) throws(FeedFileError) -> [Int] {
        var chain = [0]
        for level in levels { chain.append(try self.scope(level, chain: chain, mark: mark)) }
        return chain
    }

    private mutating func output(_ output: OutputRule, mark: SourceMark) throws(FeedFileError) -> OutputCode {
        let chain = try self.chain(output.levels, mark: mark)
        var items: [ItemCode] = []
        for rule in output.items {
            let conditions = try self.conditions(rule.conditions, chain: chain, mark: rule.mark)
            switch rule.body {
            case .ignored: items.append(ItemCode(conditions: conditions, body: .ignored))
            case .control: items.append(ItemCode(conditions: conditions, body: .control))
            case .error(let mapping):
                items.append(
                    ItemCode(conditions: conditions, body: .error, error: try self.error(mapping, chain: chain)))
            case .status(let mapping):
                items.append(
                    ItemCode(conditions: conditions, body: .status, status: try self.status(mapping, chain: chain)))
            case .ticks(let trade, let quote):
                items.append(
                    ItemCode(
                        conditions: conditions, body: .ticks,
                        trade: try self.trade(trade, chain: chain, mark: rule.mark),
                        quote: try self.quote(quote, chain: chain, mark: rule.mark)
                    )
                )
            }
        }
        return OutputCode(
            conditions: try self.conditions(output.conditions, chain: [0], mark: mark),
            chain: ScopeChain(scopes: self.memory.store(chain), count: chain.count),
            items: self.memory.store(items), itemCount: items.count
        )
    }

    private mutating func error(_ mapping: ErrorMapping, chain: [Int]) throws(FeedFileError) -> ErrorCode {
        ErrorCode(
            message: try self.field(mapping.message, chain: chain),
            detail: try self.field(mapping.detail, chain: chain),
            symbol: try self.field(mapping.symbol, chain: chain),
            retryAfter: mapping.retryAfter.map { $0.components.seconds * 1_000_000_000 } ?? 0
        )
    }

    private mutating func acknowledgement(
        _ part: AcknowledgementMapping.Part?, mark: SourceMark
    ) throws(FeedFileError) -> UnsafeMutablePointer<AcknowledgementPart>? {
        guard let part else { return nil }
        let chain = try self.chain(part.levels, mark: mark)
        let code = AcknowledgementPart(
            chain: ScopeChain(scopes: self.memory.store(chain), count: chain.count),
            symbol: try self.field(part.symbol, chain: chain), message: try self.field(part.message, chain: chain)
        )
        return self.memory.store([code])
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

    mutating func code(_ test: Condition.Test, _ reference: SlotReference) -> ConditionCode {
        var words: [JSONScalar] = []
        var kinds: UInt16 = 0
        var affix = LikePattern(prefix: "", suffix: "")
        var pattern = -1
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
            affix = like
        case .notLike(let like):
            operation = .notLike
            affix = like
        case .matches(let expression):
            operation = .matches
            pattern = self.number(of: expression)
        case .notMatches(let expression):
            operation = .notMatches
            pattern = self.number(of: expression)
        }
        return ConditionCode(
            scope: reference.scope, slot: reference.slot, operation: operation,
            strings: self.memory.table(words.filter(\.isString).map { (text: Array($0.text.utf8), value: 0) }),
            literals: self.memory.table(words.filter { !$0.isString }.map { (text: Array($0.text.utf8), value: 0) }),
            kinds: kinds, affix: self.affix(affix), pattern: pattern
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
            isMapped: true, unit: TimeUnitCode(source.unit),
            captured: source.like.map { self.memory.store([self.affix($0)]) },
            sides: source.sides.map { sides in
                self.memory.store([
                    self.memory.table(sides.map { (text: Array($0.key.utf8), value: Int32($0.value.rawValue)) })
                ])
            },
            fallbackSide: source.fallbackSide.rawValue
        )
        if let first = references.first {
            code.scope = Int32(first.scope)
            code.slot = Int32(first.slot)
        }
        code.isAbsolute = source.isAbsolute
        code.isSign = source.isSign
        code.isInverted = source.isInverted
        code.isUnusualTime = source.zone != nil || source.clock != nil
        // By far the most usual of its kind needs no look at the details.
        code.zeroIsNone = source.none == ["0"]
        let hasWords = !source.none.isEmpty && !code.zeroIsNone
        code.isSimple =
            source.constant == nil && source.like == nil && source.pattern == nil && source.parts.isEmpty && !hasWords
            && source.strip.isEmpty && source.times == nil && source.dividedBy == nil
        if references.count > 1 || !code.isSimple || code.isUnusualTime {
            code.detail = Int32(self.details.count)
            self.details.append(try self.detail(source, Array(references.dropFirst()), chain: chain))
        }
        return code
    }

    private mutating func detail(
        _ source: ValueSource, _ alternatives: [SlotReference], chain: [Int]
    ) throws(FeedFileError) -> FieldDetail {
        var parts: [FieldDetail.Part] = []
        for part in source.parts {
            switch part {
            case .text(let text): parts.append(.text(text))
            case .path(let path): parts.append(.slot(try self.reference(path, chain: chain, mark: source.mark)))
            }
        }
        return FieldDetail(
            alternatives: alternatives, constant: source.constant, parts: parts, like: source.like,
            pattern: source.pattern.map { self.number(of: $0) }, none: source.none,
            noneDecimals: source.none.compactMap(Decimal64.init), strip: Array(source.strip.utf8),
            times: try self.factor(source.times, mark: source.mark),
            dividedBy: try self.factor(source.dividedBy, mark: source.mark), zone: source.zone,
            clock: try source.clock.map { path throws(FeedFileError) in
                try self.reference(path, chain: chain, mark: source.mark)
            }
        )
    }

    private func factor(_ factor: ValueSource.Factor?, mark: SourceMark) throws(FeedFileError) -> FieldDetail.Factor? {
        switch factor {
        case nil: return nil
        case .constant(let number): return .constant(number)
        case .table(let name):
            guard let index = self.tableNames.firstIndex(of: name) else {
                throw self.error(
                    mark,
                    "there is no table '\(name)': \(Suggestion.text(for: name, among: self.tableNames)) Tables stand under 'tables' of the file."
                )
            }
            return .table(index)
        }
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
            snapshot: try self.snapshot(mapping.snapshot, chain: chain, mark: mark),
            staleFirst: mapping.staleFirst.map { $0.components.seconds * 1_000_000_000 } ?? 0
        )
        return self.memory.store([code])
    }

    private mutating func status(
        _ mapping: StatusMapping, chain: [Int]
    ) throws(FeedFileError) -> UnsafeMutablePointer<StatusCode> {
        let states = mapping.states.map { (text: Array($0.key.utf8), value: Int32($0.value.rawValue)) }
        let code = StatusCode(
            symbol: try self.field(mapping.symbol, chain: chain), state: try self.field(mapping.state, chain: chain),
            states: self.memory.table(states), fallback: mapping.fallback.map { Int32($0.rawValue) } ?? -1,
            reason: try self.field(mapping.reason, chain: chain), time: try self.field(mapping.time, chain: chain)
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
            snapshot: try self.snapshot(mapping.snapshot, chain: chain, mark: mark), isMerging: mapping.isMerging
        )
        return self.memory.store([code])
    }
}
