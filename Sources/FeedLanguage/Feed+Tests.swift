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
        self.document.tests.compactMap { test in
            var decoder = FrameDecoder(feed: self, symbols: test.symbols)
            var ticks: [Tick] = []
            let outcome = test.frame.withUnsafeBytes {
                decoder.decode($0, receivedTime: test.receivedTime, into: &ticks)
            }
            return Self.mismatch(test, outcome, ticks)
        }
    }

    private static func mismatch(_ test: FeedTest, _ outcome: FrameOutcome, _ ticks: [Tick]) -> FeedTestFailure? {
        func failure(_ expected: String) -> FeedTestFailure {
            FeedTestFailure(
                line: test.mark.line, column: test.mark.column,
                message: "test failed: expected \(expected), but the frame gave \(Self.text(outcome))."
            )
        }
        switch (test.expectation, outcome) {
        case (.ignored, .ignored), (.control, .control), (.unmatched, .unmatched), (.malformed, .malformed),
            (.reconnect, .reconnect):
            return nil
        case (.error(let expected), .providerError(let text)) where expected == text: return nil
        case (.ticks(let expected), .ticks(let count)):
            guard expected.count == count else { return failure(Self.count(expected.count)) }
            for (index, pair) in zip(expected, ticks).enumerated() {
                if let difference = Self.difference(pair.0, pair.1) {
                    let which = count == 1 ? "" : " in tick \(index + 1)"
                    return FeedTestFailure(
                        line: pair.0.mark.line, column: pair.0.mark.column,
                        message: "test failed\(which): \(difference)."
                    )
                }
            }
            return nil
        case (.ignored, _): return failure("nothing")
        case (.control, _): return failure("a control message")
        case (.unmatched, _): return failure("a frame that no rule takes")
        case (.malformed, _): return failure("a malformed frame")
        case (.reconnect, _): return failure("a request to reconnect")
        case (.error(let text), _): return failure("the error '\(text)'")
        case (.ticks(let expected), _): return failure(Self.count(expected.count))
        }
    }

    private static func count(_ count: Int) -> String { count == 1 ? "one tick" : "\(count) ticks" }

    private static func text(_ outcome: FrameOutcome) -> String {
        switch outcome {
        case .ticks(let count): Self.count(count)
        case .control: "a control message"
        case .ignored: "nothing (ignored)"
        case .unmatched: "nothing: no rule takes it"
        case .reconnect: "a request to reconnect"
        case .providerError(let text): "the error '\(text)'"
        case .malformed(let problem): "nothing: \(problem)"
        }
    }

    private static func difference(_ expected: ExpectedTick, _ tick: Tick) -> String? {
        let (kind, fields) = Self.fields(of: tick)
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

    private static func isSnapshot(_ flags: TickFlags) -> String { flags.contains(.snapshot) ? "true" : "false" }

    private static func text(_ flags: TickFlags) -> String {
        let names: [(flag: TickFlags, name: String)] = [
            (.implausibleTime, "implausibleTime"), (.noEventTime, "noEventTime"), (.rounded, "rounded"),
            (.snapshot, "snapshot"),
        ]
        return names.filter { flags.contains($0.flag) }.map(\.name).joined(separator: ", ")
    }
}
