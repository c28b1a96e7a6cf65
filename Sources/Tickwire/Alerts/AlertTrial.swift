public import Alerts
public import Market
import Notifications

/// Tries an expression on a few prices, with the evaluator that the service uses.
public struct AlertTrial: Sendable {
    /// One thing the market says.
    public enum Input: Sendable, Hashable {
        /// A trade at a price, at a venue if that matters.
        case trade(Decimal64, at: Venue?)
        /// A quote.
        case quote(bid: Decimal64, ask: Decimal64)

        /// Reads `70000`, `70000@kraken` or `69999/70001`.
        ///
        /// - Throws: ``AlertTrialError/badInput(_:)``.
        public init(_ text: String) throws(AlertTrialError) {
            if let slash = text.firstIndex(of: "/") {
                guard let bid = Self.price(text[..<slash]), let ask = Self.price(text[text.index(after: slash)...]),
                    bid <= ask
                else { throw .badInput(text) }
                self = .quote(bid: bid, ask: ask)
                return
            }
            let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            guard let price = Self.price(parts[0]) else { throw .badInput(text) }
            guard parts.count == 2 else {
                self = .trade(price, at: nil)
                return
            }
            // What is no venue is no input.
            guard let venue = try? Venue(String(parts[1])) else { throw .badInput(text) }
            self = .trade(price, at: venue)
        }

        private static func price(_ text: Substring) -> Decimal64? {
            Decimal64(String(text)).flatMap { $0.isZero || $0.isNegative ? nil : $0 }
        }
    }

    /// What one input did.
    public struct Step: Sendable, Hashable {
        /// The input as it was written.
        public let input: String
        /// When it came, from the start of the trial.
        public let offset: Duration
        /// What it fired, and what had become due before it.
        public let fired: [FiredAlert]
        /// Why it fired, or why not.
        public let reason: String
    }

    /// How many inputs a trial takes.
    public static let inputsMax = 10_000
    private static let start: Int64 = 1_795_435_200_000_000_000

    private let expression: AlertExpression
    private let symbol: Symbol
    private let venue: Venue
    private let interval: Duration

    /// Prepares a trial.
    ///
    /// - Parameters:
    ///   - expression: What is tried; its `until` is ignored, for the trial's clock is its own.
    ///   - symbol: The instrument.
    ///   - venue: Where inputs without a venue come from.
    ///   - interval: How much time passes between two inputs; at least a millisecond.
    public init(expression: AlertExpression, symbol: Symbol, venue: Venue, interval: Duration = .seconds(1)) {
        var options = expression.options
        options.until = nil
        options.hours = .all
        self.expression = AlertExpression(condition: expression.condition, options: options)
        self.symbol = symbol
        if case .divergence(_, let first, _) = expression.condition { self.venue = first } else { self.venue = venue }
        self.interval = max(interval, .milliseconds(1))
    }

    /// Runs the inputs through an evaluator that knows nothing else.
    ///
    /// - Throws: ``AlertTrialError``.
    public func run(_ inputs: [String]) throws(AlertTrialError) -> [Step] {
        guard inputs.count <= Self.inputsMax else { throw .tooMany(inputs.count) }
        var parsed: [Input] = []
        for input in inputs { parsed.append(try Input(input)) }
        var evaluator = AlertEvaluator()
        evaluator.insert(Alert(id: 1, user: "trial", symbol: self.symbol, expression: self.expression))
        let step =
            self.interval.components.seconds * 1_000_000_000 + self.interval.components.attoseconds / 1_000_000_000
        var now = Timestamp(nanoseconds: Self.start)
        var steps: [Step] = []
        for (index, input) in parsed.enumerated() {
            var fired: [FiredAlert] = []
            let before = evaluator.explain(id: 1, now: now)?.alert.state
            evaluator.advance(to: now, into: &fired)
            switch input {
            case .trade(let price, let venue):
                let trade = Trade(
                    symbol: self.symbol, venue: venue ?? self.venue, price: price, size: Decimal64("1"), side: .unknown,
                    id: nil,
                    eventTime: now, receivedTime: now)
                evaluator.evaluate(trade, isPrimary: trade.venue == self.venue, now: now, into: &fired)
            case .quote(let bid, let ask):
                let quote = Quote(
                    symbol: self.symbol, venue: self.venue, bid: bid, ask: ask, eventTime: now,
                    receivedTime: now)
                evaluator.evaluate(quote, isPrimary: true, now: now, into: &fired)
            }
            let after = evaluator.explain(id: 1, now: now)
            let reason = self.reason(fired, before: before, after: after, input, now: now)
            steps.append(
                Step(
                    input: inputs[index], offset: .nanoseconds(now.nanoseconds - Self.start), fired: fired,
                    reason: reason))
            now = now.advanced(byNanoseconds: step)
        }
        return steps
    }

    private func reason(
        _ fired: [FiredAlert], before: AlertState?, after: AlertExplanation?, _ input: Input, now: Timestamp
    ) -> String {
        if let last = fired.last {
            if last.isStorm { return "fires a last time: the storm guard pauses it" }
            return fired.count > 1 ? "fires \(fired.count) times" : "fires"
        }
        switch (self.expression.condition, input) {
        case (.spread, .trade): return "does not fire: a spread is measured with quotes; write BID/ASK"
        case (.spread, .quote), (.silence, _), (_, .trade): break
        case (_, .quote): return "does not fire: quotes do not move this condition"
        }
        guard let after else { return "does not fire: it has fired, and never fires again" }
        if let evaluation = after.evaluations.last, evaluation != before?.evaluations.last {
            switch evaluation.outcome {
            case .cooldown: return "is true, but in its cooldown"
            case .snoozed: return "is true, but snoozed"
            case .closed: return "is true, but the market is closed"
            case .unconfirmed: return "does not fire: it was not true for long enough"
            case .fired: break
            }
        }
        // Its own cooldown does not keep a condition from being true: what else it waits for says more.
        let waiting = after.waiting.first { if case .cooldown = $0 { false } else { true } }
        return self.reason(waiting, after, input, previous: before?.lastPrice, now: now)
    }

    private func reason(
        _ waiting: AlertExplanation.Waiting?, _ after: AlertExplanation, _ input: Input, previous: Decimal64?,
        now: Timestamp
    ) -> String {
        func seconds(until time: Timestamp) -> String {
            "\(Double(max(0, time.nanoseconds - now.nanoseconds) / 1_000_000) / 1_000)".replacing(".0", with: "") + "s"
        }
        switch waiting {
        case .rearm(nil): return "does not fire: it has fired, and must become false first"
        case .rearm(let margin?): return "does not fire: it has fired, and must come back by \(margin) first"
        case .confirmation(let ticks):
            return "is true; waits for \(ticks) more \(ticks == 1 ? "tick" : "ticks") to confirm it"
        case .confirmed(let time): return "is true; fires in \(seconds(until: time)) if it stays so"
        case .history(let known, let needed):
            return
                "does not fire: only \(known.components.seconds)s of the \(needed.components.seconds)s it needs are known"
        case .silence(let until): return "does not fire: it is not silent until \(seconds(until: until)) from here"
        case .otherSide, .condition, .firstTick, .snooze, .cooldown, .hours, nil: break
        }
        if let value = after.value, let amount = self.expression.condition.amount {
            return "does not fire: \(Self.short(value)) of \(amount)"
        }
        guard case .trade(let price, _) = input else { return "does not fire: the condition is not true" }
        return "does not fire: \(Self.falsehood(self.expression.condition, price, previous: previous))"
    }

    /// An amount with two decimals, or as many as show that it is not zero.
    private static func short(_ amount: AlertAmount) -> String { PriceFormat().text(amount) }

    /// Why the condition is not true.
    private static func falsehood(_ condition: AlertCondition, _ price: Decimal64, previous: Decimal64?) -> String {
        switch condition {
        case .level(let side, let threshold):
            return "\(price) is not \(side.rawValue) \(threshold)"
        case .crossing(_, let threshold):
            guard let previous else { return "a crossing needs a price on the other side first" }
            if price == threshold { return "\(price) touches \(threshold), which is on neither side" }
            let isSame = (price > threshold) == (previous > threshold) && previous != threshold
            let side = price > threshold ? "above" : "below"
            return isSame ? "\(price) is \(side) \(threshold), as \(previous) was" : "it crosses in the other direction"
        case .inside(let range): return "\(price) is not between \(range.low) and \(range.high)"
        case .enters(let range):
            if previous == nil { return "to enter, a price outside must come first" }
            return range.contains(price)
                ? "\(price) was inside already" : "\(price) is not in \(range.low)..\(range.high)"
        case .leaves(let range):
            if previous == nil { return "to leave, a price inside must come first" }
            return range.contains(price) ? "\(price) is in \(range.low)..\(range.high)" : "\(price) was outside already"
        case .newHigh: return "\(price) is no new high"
        case .newLow: return "\(price) is no new low"
        case .move, .volume, .spread, .silence, .divergence: return "the condition is not true"
        }
    }
}

/// What a trial cannot work with.
public enum AlertTrialError: Error, Hashable, CustomStringConvertible {
    /// A text that is neither price nor quote.
    case badInput(String)
    /// More inputs than ``AlertTrial/inputsMax``.
    case tooMany(Int)

    /// One line for the user.
    public var description: String {
        switch self {
        case .badInput(let text):
            "'\(text.prefix(60))' is no price. Write a trade such as 70000 or 70000@kraken, or a quote such as 69999/70001."
        case .tooMany(let count):
            "\(count) prices are too many; at most \(AlertTrial.inputsMax) are tried. Use 'alerts backtest' for history."
        }
    }
}
