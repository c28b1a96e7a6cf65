import Market

/// Which rule a test's frame came to, and what that rule missed: told only when a test fails, never while decoding.
extension Feed {
    /// What to add behind the outcome of a failing test; empty where there is nothing more to say.
    func hint(
        _ outcome: FrameOutcome, of test: FeedTest, frame: [UInt8], before: [[UInt8]], encoding: FrameEncoding
    ) -> String {
        if case .ticks = outcome { return "" }
        guard let rule = self.rule(taking: frame, of: test, before: before, encoding: encoding) else { return "" }
        let place = "the rule at line \(rule.mark.line)" + (rule.mark.file.map { " of \($0)" } ?? "")
        switch outcome {
        case .malformed(let problem):
            if problem == "there is no symbol", rule.channel == nil, rule.needsRequestSymbol, test.symbols.count != 1 {
                return test.symbols.isEmpty
                    ? ": say which one was asked for, with symbols: [BTC-USD]"
                    : ": name only the one that was asked for in 'symbols'"
            }
            let paths = rule.paths(missingFor: problem)
            return paths.isEmpty ? " (in \(place))" : "; \(place) found nothing at \(Self.quoted(paths))"
        case .ignored:
            if case .fixed = rule.body { return "; \(place) says so" }
            if let list = rule.emptyList(in: frame) { return "; \(place) found no list at '\(list)'" }
            let paths = rule.quotePaths
            return paths.isEmpty ? ", by \(place)" : "; \(place) found nothing at \(Self.quoted(paths))"
        case .unmatched: return "; \(place) does, but none of its items"
        case .control, .reconnect, .reply, .acknowledged, .registered, .providerError, .fatal: return ", by \(place)"
        case .ticks: return ""
        }
    }

    /// The rule that takes the frame: the same rules, but each only says its number.
    private func rule(
        taking frame: [UInt8], of test: FeedTest, before: [[UInt8]], encoding: FrameEncoding
    ) -> MessageRule? {
        let rules = self.document.messages
        let numbered = rules.enumerated().map { number, rule in
            var rule = rule
            // What earlier frames registered must stay known.
            if case .registration = rule.body { return rule }
            var message = ValueSource(mark: rule.mark)
            message.constant = String(number)
            rule.body = .fatal(ErrorMapping(message: message))
            return rule
        }
        // The rules have been compiled before, so there is nothing that could be wrong with them.
        guard let program = try? ProgramBuilder.build(numbered, file: "") else { return nil }
        var decoder = FrameDecoder(feed: self, symbols: test.symbols, encoding: encoding, program: program)
        var ticks: [Tick] = []
        for earlier in before {
            _ = earlier.withUnsafeBytes { decoder.decode($0, receivedTime: test.receivedTime, into: &ticks) }
        }
        switch frame.withUnsafeBytes({ decoder.decode($0, receivedTime: test.receivedTime, into: &ticks) }) {
        case .fatal(let number): return Int(number).map { rules[$0] }
        case .registered, .malformed:
            let registering = rules.filter { rule in
                if case .registration = rule.body { return true }
                return false
            }
            return registering.count == 1 ? registering[0] : nil
        case .ticks, .control, .ignored, .unmatched, .reconnect, .reply, .acknowledged, .providerError: return nil
        }
    }

    private static func quoted(_ paths: [FieldPath]) -> String {
        var names: [String] = []
        for path in paths where !names.contains("'\(path)'") { names.append("'\(path)'") }
        return Wording.list(names, "or")
    }
}

extension MessageRule {
    private var outputs: [OutputRule] {
        if case .outputs(let outputs) = self.body { return outputs }
        return []
    }

    private var ticks: [(trade: TradeMapping?, quote: QuoteMapping?)] {
        self.outputs.flatMap(\.items).compactMap { item in
            if case .ticks(let trade, let quote) = item.body { return (trade: trade, quote: quote) }
            return nil
        }
    }

    /// Whether a tick takes the symbol that was asked for: `@symbol`.
    fileprivate var needsRequestSymbol: Bool {
        self.ticks.contains { $0.trade.map { $0.symbol == nil } ?? $0.quote.map { $0.symbol == nil } ?? false }
    }

    /// Where the values stand without which a quote is none.
    fileprivate var quotePaths: [FieldPath] {
        self.ticks.compactMap(\.quote).flatMap { quote in
            [quote.bid, quote.ask, quote.last].compactMap { $0 }.flatMap(\.places)
        }
    }

    /// Where the value should stand whose lack is the decoder's complaint.
    fileprivate func paths(missingFor problem: String) -> [FieldPath] {
        switch problem {
        case "there is no price": return self.ticks.compactMap(\.trade).flatMap(\.price.places)
        case "there is no symbol", "there is no symbol by the file's rules":
            return self.ticks.flatMap { [$0.trade?.symbol, $0.quote?.symbol] }.compactMap { $0 }.flatMap(\.places)
        case "there is no channel id":
            if case .registration(let mapping) = self.body { return mapping.id.places }
            return []
        default: return []
        }
    }

    /// The list that the rule would walk through, where the frame has none; `nil` where the rule needs none.
    fileprivate func emptyList(in frame: [UInt8]) -> FieldPath? {
        guard let root = frame.withUnsafeBytes(JSONNodeReader.read) else { return nil }
        for output in self.outputs {
            var items = [root]
            for level in output.levels {
                items = items.flatMap { item in
                    (level.origin == .frame ? root : item).entries(at: level).map(\.value)
                }
                if items.isEmpty { return level }
            }
        }
        return nil
    }
}

extension ValueSource {
    /// Every path that it looks at.
    fileprivate var places: [FieldPath] {
        self.paths
            + self.parts.compactMap { part in
                if case .path(let path) = part { return path }
                return nil
            }
    }
}
