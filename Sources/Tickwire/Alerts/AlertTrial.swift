public import Alerts
public import Market

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
            let before = evaluator.state(of: 1)
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
            let reason = self.reason(fired, before: before, after: evaluator.state(of: 1), input)
            steps.append(
                Step(
                    input: inputs[index], offset: .nanoseconds(now.nanoseconds - Self.start), fired: fired,
                    reason: reason))
            now = now.advanced(byNanoseconds: step)
        }
        return steps
    }

    private func reason(_ fired: [FiredAlert], before: AlertState?, after: AlertState?, _ input: Input) -> String {
        if let last = fired.last {
            if last.isStorm { return "fires a last time: the storm guard pauses it" }
            return fired.count > 1 ? "fires \(fired.count) times" : "fires"
        }
        let condition = self.expression.condition
        switch (condition, input) {
        case (.spread, .trade): return "does not fire: a spread is measured with quotes; write BID/ASK"
        case (.spread, .quote), (.silence, _), (_, .trade): break
        case (_, .quote): return "does not fire: quotes do not move this condition"
        }
        guard let after else { return "does not fire: it was to fire once, and has" }
        if let evaluation = after.evaluations.last, evaluation != before?.evaluations.last {
            switch evaluation.outcome {
            case .cooldown: return "is true, but in its cooldown"
            case .snoozed: return "is true, but snoozed"
            case .closed: return "is true, but the market is closed"
            case .unconfirmed: return "was true, but not for long enough"
            case .fired: break
            }
        }
        if let confirming = after.confirming {
            return "is true \(confirming.count) times in a row; waits to be confirmed"
        }
        if !after.isArmed { return "does not fire: it has fired, and must become false first" }
        guard case .trade(let price, _) = input else { return "does not fire: the condition is not true" }
        return "does not fire: \(Self.falsehood(condition, price, previous: before?.lastPrice))"
    }

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
        case .move: return "the move is smaller than \(condition.amount?.description ?? "")"
        case .newHigh, .newLow: return "no new extreme, or the prices so far do not cover the window"
        case .volume: return "too little was traded, or too few windows are known"
        case .spread, .silence, .divergence: return "the condition is not true"
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
