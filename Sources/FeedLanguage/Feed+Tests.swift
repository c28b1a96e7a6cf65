import Market

/// A test of a feed file that did not hold.
public struct FeedTestFailure: Equatable, Sendable, CustomStringConvertible {
    /// The line of the test in the file, from 1.
    public let line: Int
    /// The column of the test in the file, from 1.
    public let column: Int
    /// What was expected and what came, in one line.
    public let message: String

    /// One line for an operator.
    public var description: String { "\(self.line):\(self.column): \(self.message)" }
}

extension Feed {
    /// Runs the file's `tests`: decodes each frame on a fresh decoder and compares the fields that `gives` lists.
    ///
    /// - Returns: What did not hold, in the file's order; empty when all is well.
    public func runTests() -> [FeedTestFailure] {
        self.runFrameTests() + (self.backfill?.feed.runTests() ?? []) + self.runListingTests()
    }

    private func runFrameTests() -> [FeedTestFailure] {
        self.document.tests.compactMap { test in
            switch test.body {
            case .sends(let expected, let isSubscribing):
                return self.mismatch(test, expected: expected, isSubscribing: isSubscribing)
            case .frame(let frame, let before, let expectation):
                // The samples are readable texts, whatever the venue packs them into.
                var decoder = FrameDecoder(feed: self, symbols: test.symbols, encoding: self.testEncoding)
                var ticks: [Tick] = []
                for earlier in before {
                    _ = earlier.withUnsafeBytes {
                        decoder.decode($0, receivedTime: test.receivedTime, into: &ticks)
                    }
                }
                ticks.removeAll()
                _ = decoder.takeStatuses()
                let outcome = frame.withUnsafeBytes {
                    decoder.decode($0, receivedTime: test.receivedTime, into: &ticks)
                }
                return Self.mismatch(test, expectation, outcome, ticks, decoder.takeStatuses()) {
                    self.hint(outcome, of: test, frame: frame, before: before, encoding: self.testEncoding)
                }
            }
        }
    }

    private var testEncoding: FrameEncoding {
        switch self.encoding {
        case .text, .binary, .gzip, .deflate: .text
        case .csv: .csv
        case .ndjson: .ndjson
        }
    }

    private func mismatch(_ test: FeedTest, expected: [String], isSubscribing: Bool) -> FeedTestFailure? {
        var counter = 0
        let sent =
            isSubscribing
            ? self.subscribeMessages(for: test.symbols, counter: &counter)
            : self.unsubscribeMessages(for: test.symbols, counter: &counter)
        guard sent != expected else { return nil }
        func list(_ messages: [String]) -> String {
            messages.isEmpty ? "nothing" : messages.joined(separator: " then ")
        }
        let difference = MessageDifference.text(expected: expected, sent: sent).map { "; \($0)" } ?? ""
        return FeedTestFailure(
            line: test.mark.line, column: test.mark.column,
            message: "test failed: expected to send \(list(expected)), but \(list(sent)) would be sent\(difference)."
        )
    }

    private static func mismatch(
        _ test: FeedTest, _ expectation: FeedTest.Expectation, _ outcome: FrameOutcome, _ ticks: [Tick],
        _ statuses: [TradingStatus], hint: () -> String
    ) -> FeedTestFailure? {
        let given = ticks.map(Self.fields) + statuses.map(Self.fields)
        if case .ticks(let expected) = expectation, Self.isRead(outcome), expected.count == given.count {
            // What a frame says about trading is told apart from its ticks, so it comes behind them.
            let ordered = expected.filter { $0.kind != "status" } + expected.filter { $0.kind == "status" }
            for (index, pair) in zip(ordered, given).enumerated() {
                if let difference = Self.difference(pair.0, pair.1) {
                    let which = given.count == 1 ? "" : " in tick \(index + 1)"
                    return FeedTestFailure(
                        line: pair.0.mark.line, column: pair.0.mark.column,
                        message: "test failed\(which): \(difference)."
                    )
                }
            }
            return nil
        }
        guard !Self.isMet(expectation, by: outcome) else { return nil }
        return FeedTestFailure(
            line: test.mark.line, column: test.mark.column,
            message:
                "test failed: expected \(Self.text(expectation)), but the frame gave \(Self.text(outcome))\(hint())."
        )
    }

    /// Whether nothing of a frame is wrong, so that what it gave can be compared.
    private static func isRead(_ outcome: FrameOutcome) -> Bool {
        switch outcome {
        case .ticks, .control: true
        case .ignored, .unmatched, .reconnect, .reply, .acknowledged, .registered, .providerError, .fatal, .malformed:
            false
        }
    }

    private static func isMet(_ expectation: FeedTest.Expectation, by outcome: FrameOutcome) -> Bool {
        switch (expectation, outcome) {
        case (.ignored, .ignored), (.control, .control), (.unmatched, .unmatched), (.malformed, .malformed),
            (.reconnect, .reconnect):
            true
        case (.error(let expected), .providerError(let error)): expected == error.message
        case (.fatal(let expected), .fatal(let message)): expected == message
        case (.reply(let expected), .reply(let text)): expected == text
        case (.acknowledged(let symbols, let failed), .acknowledged(let answer)):
            symbols == answer.symbols && failed == answer.failed.map { $0.native }
        case (.control, .acknowledged(let answer)): answer.isAll
        case (.registered(let id, let kind, let symbol), .registered(let channel)):
            id == channel.id && kind == channel.kind && symbol == channel.symbol
        case (_, _): false
        }
    }

    private static func text(_ expectation: FeedTest.Expectation) -> String {
        switch expectation {
        case .ticks(let ticks): Self.count(ticks.count)
        case .ignored: "nothing"
        case .control: "a control message"
        case .unmatched: "a frame that no rule takes"
        case .malformed: "a malformed frame"
        case .reconnect: "a request to reconnect"
        case .error(let text): "the error '\(text)'"
        case .fatal(let text): "the fatal error '\(text)'"
        case .reply(let text): "the reply \(text)"
        case .acknowledged(let symbols, let failed): Self.text(symbols.map(\.name), failed)
        case .registered(let id, let kind, let symbol): Self.text(id, kind, symbol)
        }
    }

    private static func text(_ symbols: [String], _ failed: [String]) -> String {
        let refused = failed.isEmpty ? "" : ", refused: \(failed.joined(separator: ", "))"
        return "an acknowledgement of \(symbols.isEmpty ? "nothing" : symbols.joined(separator: ", "))\(refused)"
    }

    private static func text(_ id: String, _ kind: String?, _ symbol: Symbol?) -> String {
        "the channel \(id)" + (kind.map { " of kind \($0)" } ?? "") + (symbol.map { " for \($0)" } ?? "")
    }

    private static func count(_ count: Int) -> String { count == 1 ? "one tick" : "\(count) ticks" }

    private static func text(_ outcome: FrameOutcome) -> String {
        switch outcome {
        case .ticks(let count): Self.count(count)
        case .control: "a control message"
        case .ignored: "nothing (ignored)"
        case .unmatched: "nothing: no rule takes it"
        case .reconnect: "a request to reconnect"
        case .providerError(let error): "the error '\(error.message)'"
        case .fatal(let text): "the fatal error '\(text)'"
        case .reply(let text): "the reply \(text)"
        case .acknowledged(let answer):
            answer.isAll
                ? "an acknowledgement of everything"
                : Self.text(answer.symbols.map(\.name), answer.failed.map { $0.native })
        case .registered(let channel): Self.text(channel.id, channel.kind, channel.symbol)
        case .malformed(let problem): "nothing: \(problem)"
        }
    }

    private static func difference(
        _ expected: ExpectedTick, _ given: (kind: String, fields: [String: String?])
    ) -> String? {
        let (kind, fields) = given
        guard kind == expected.kind else { return "expected a \(expected.kind), but a \(kind) came" }
        for (name, value) in expected.fields {
            let actual = fields[name] ?? nil
            guard actual != value else { continue }
            return
                "\(name) should be \(value.map { "'\($0)'" } ?? "null"), but is \(actual.map { "'\($0)'" } ?? "null")"
        }
        return nil
    }

    private static func fields(of tick: Tick) -> (kind: String, fields: [String: String?]) {
        switch tick {
        case .trade(let trade):
            let fields: [String: String?] = [
                "symbol": trade.symbol.name, "price": trade.price.description, "size": trade.size?.description,
                "side": trade.side.name, "id": trade.id, "time": trade.eventTime.description,
                "sequence": trade.venueSequence?.description, "snapshot": Self.isSnapshot(trade.flags),
                "flags": Self.text(trade.flags),
            ]
            return (kind: "trade", fields: fields)
        case .quote(let quote):
            let fields: [String: String?] = [
                "symbol": quote.symbol.name, "bid": quote.bid?.description, "ask": quote.ask?.description,
                "bidSize": quote.bidSize?.description, "askSize": quote.askSize?.description,
                "last": quote.last?.description, "time": quote.eventTime.description,
                "sequence": quote.venueSequence?.description, "snapshot": Self.isSnapshot(quote.flags),
                "flags": Self.text(quote.flags),
            ]
            return (kind: "quote", fields: fields)
        }
    }

    private static func fields(of status: TradingStatus) -> (kind: String, fields: [String: String?]) {
        let fields: [String: String?] = [
            "symbol": status.symbol.name, "state": status.state.name, "reason": status.reason,
            "time": status.eventTime.description,
        ]
        return (kind: "status", fields: fields)
    }

    private static func isSnapshot(_ flags: TickFlags) -> String { flags.contains(.snapshot) ? "true" : "false" }

    private static func text(_ flags: TickFlags) -> String {
        let names: [(flag: TickFlags, name: String)] = [
            (.implausibleTime, "implausibleTime"), (.noEventTime, "noEventTime"), (.rounded, "rounded"),
            (.snapshot, "snapshot"),
        ]
        return names.filter { flags.contains($0.flag) }.map(\.name).joined(separator: ", ")
    }
}
