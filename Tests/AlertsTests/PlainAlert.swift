import Alerts
import Market

/// One alert of the plain evaluation, with all it remembers.
struct PlainAlert {
    var alert: Alert
    /// Since when it is there.
    let armedAt: Int64
    var isArmed = true
    var isKnown = false
    /// Of `crosses P`: from where the price can cross.
    var sides: Set<PriceSide> = []
    var confirming: (since: Int64, count: Int, passed: Int?, lateness: AlertLateness?)?
    var lastFired: (time: Int64, price: Int?)?
    var crossings: Int64 = 0
    var firings: [Int64] = []

    init(_ alert: Alert, armedAt: Int64) {
        self.alert = alert
        self.armedAt = armedAt
    }

    var condition: AlertCondition { self.alert.expression.condition }
    var stream: PlainEvaluator.StreamKey { .init(symbol: self.alert.symbol, venue: self.alert.venue) }

    var isSilence: Bool { if case .silence = self.condition { true } else { false } }
    var isQuoteDriven: Bool { if case .spread = self.condition { true } else { false } }
    var isTradeDriven: Bool { !self.isSilence && !self.isQuoteDriven && self.pair == nil }
    var isMeasuredOverTime: Bool { !self.windows.isEmpty }
    var pair: PlainEvaluator.Pair? {
        if case .divergence(_, let first, let second) = self.condition {
            return .init(symbol: self.alert.symbol, first: first, second: second)
        }
        return nil
    }

    static func nanoseconds(_ duration: Duration) -> Int64 { duration.components.seconds * 1_000_000_000 }

    var windows: [PlainEvaluator.WindowKey] {
        func key(_ kind: PlainEvaluator.WindowKey.Kind, _ length: Duration) -> PlainEvaluator.WindowKey {
            .init(stream: self.stream, kind: kind, length: Self.nanoseconds(length))
        }
        switch self.condition {
        case .move(_, _, .window(let length)), .newHigh(let length), .newLow(let length): return [key(.prices, length)]
        case .move(_, _, .today): return [key(.day, .zero)]
        case .volume(.multiple, let length): return [key(.volume, length), key(.usual, length)]
        case .volume(_, let length): return [key(.volume, length)]
        default: return []
        }
    }

    /// Judges it against the prices from before it came.
    mutating func judge(_ price: Int, _ history: [Int]) {
        guard !self.isKnown else { return }
        self.isKnown = true
        switch self.condition {
        case .crossing(let direction, let threshold):
            let threshold = PlainEvaluator.scaled(threshold, 2)
            let off = history.last { $0 != threshold }
            switch direction {
            case .either: self.sides = off.map { $0 > threshold ? [.above] : [.below] } ?? [.above, .below]
            case .above: self.isArmed = off.map { $0 < threshold } ?? true
            case .below: self.isArmed = off.map { $0 > threshold } ?? true
            }
        case .enters(let range): self.isArmed = !range.contains(PlainEvaluator.decimal(price, 2))
        case .leaves(let range): self.isArmed = range.contains(PlainEvaluator.decimal(price, 2))
        default: break
        }
    }

    /// `price` is `amount` or more above `base`.
    static func isAbove(_ price: Int, _ base: Int, by amount: AlertAmount) -> Bool {
        switch amount {
        case .absolute(let value): price >= base + PlainEvaluator.scaled(value, 2)
        case .percent(let value): price * 10_000 >= base * (10_000 + PlainEvaluator.scaled(value, 2))
        case .multiple: false
        }
    }

    /// `price` is `amount` or more below `base`.
    static func isBelow(_ price: Int, _ base: Int, by amount: AlertAmount) -> Bool {
        switch amount {
        case .absolute(let value): price <= max(0, base - PlainEvaluator.scaled(value, 2))
        case .percent(let value): price * 10_000 <= base * (10_000 - PlainEvaluator.scaled(value, 2))
        case .multiple: false
        }
    }
}

/// What a condition measures, as a fraction, and where from.
struct PlainValue {
    var numerator: Int
    var denominator: Int
    var reference: Int?
    var referenceTime: Int64?

    func isAtLeast(_ threshold: Int, over scale: Int) -> Bool {
        Int128(self.numerator) * Int128(scale) >= Int128(threshold) * Int128(self.denominator)
    }
    func isAbove(_ threshold: Int, over scale: Int) -> Bool {
        Int128(self.numerator) * Int128(scale) > Int128(threshold) * Int128(self.denominator)
    }

    /// Rounded half-even.
    func rounded(_ digits: Int) -> Decimal64 {
        var scaled = Int128(self.numerator)
        for _ in 0..<digits { scaled *= 10 }
        let denominator = Int128(self.denominator)
        var whole = scaled / denominator
        let rest = (scaled % denominator).magnitude * 2
        if rest > denominator.magnitude || (rest == denominator.magnitude && whole % 2 != 0) {
            whole += scaled < 0 ? -1 : 1
        }
        return PlainEvaluator.decimal(Int(whole), digits)
    }
}
