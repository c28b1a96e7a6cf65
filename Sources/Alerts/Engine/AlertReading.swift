import Market

/// What one look at an alert's condition gives, from the condition and what is known of its stream alone.
struct AlertReading: Sendable, Equatable {
    /// The condition is true: an armed alert wants to fire.
    var isTrue = false
    /// The value is so far behind the threshold that the alert is armed again.
    var isBack = true
    /// The condition still is true since the last firing, for `again`.
    var isHeld = false

    /// How far a price must come back from the newest extreme before the next one counts.
    static let defaultExtremeRearm = AlertAmount.percent((try? Decimal64(mantissa: 1, exponent: -1)) ?? .zero)

    /// A condition that cannot be read: it is false.
    static let unknown = AlertReading()

    /// A condition that is true or behind its threshold.
    init(isTrue: Bool = false, isBack: Bool = true) {
        self.isTrue = isTrue
        self.isBack = isBack
        self.isHeld = isTrue
    }

    init(isTrue: Bool, isBack: Bool, isHeld: Bool) {
        self.isTrue = isTrue
        self.isBack = isBack
        self.isHeld = isHeld
    }

    /// Reads a condition on prices; `nil` for all others and for `crosses P`, which has sides.
    init?(_ condition: AlertCondition, price: Decimal64, rearm: AlertAmount?) {
        switch condition {
        case .level(let side, let threshold):
            let isTrue = side == .above ? price > threshold : price < threshold
            let isBack = Self.isBehind(price, threshold, side, rearm) ?? !isTrue
            self.init(isTrue: isTrue, isBack: isBack)
        case .crossing(.above, let threshold):
            let isBack = Self.isBehind(price, threshold, .above, rearm) ?? (price < threshold)
            self.init(isTrue: price > threshold, isBack: isBack)
        case .crossing(.below, let threshold):
            let isBack = Self.isBehind(price, threshold, .below, rearm) ?? (price > threshold)
            self.init(isTrue: price < threshold, isBack: isBack)
        case .inside(let range), .enters(let range):
            let isTrue = range.contains(price)
            let isBelow = Self.isBehind(price, range.low, .above, rearm)
            let isAbove = Self.isBehind(price, range.high, .below, rearm)
            let isBack =
                rearm == nil || (isBelow == nil && isAbove == nil) ? !isTrue : isBelow == true || isAbove == true
            self.init(isTrue: isTrue, isBack: isBack)
        case .leaves(let range):
            let isTrue = !range.contains(price)
            let isAboveLow = Self.isBehind(price, range.low, .below, rearm)
            let isBelowHigh = Self.isBehind(price, range.high, .above, rearm)
            self.init(isTrue: isTrue, isBack: !isTrue && isAboveLow != false && isBelowHigh != false)
        case .crossing(.either, _), .move, .newHigh, .newLow, .volume, .spread, .silence, .divergence: return nil
        }
    }

    /// Whether `price` has come back by `rearm` from beyond `threshold`, of which `side` is the far side; `nil` without `rearm`.
    private static func isBehind(
        _ price: Decimal64, _ threshold: Decimal64, _ side: PriceSide, _ rearm: AlertAmount?
    ) -> Bool? {
        guard let rearm else { return nil }
        switch side {
        case .above: return threshold.moved(.below, by: rearm).map { price <= $0 }
        case .below: return threshold.moved(.above, by: rearm).map { price >= $0 }
        }
    }

    /// Reads `crosses P`.
    ///
    /// The alert is on the side that the price was on when it fired last, or from which it came. It crosses when the price is on
    /// the other side; while it is not armed, only so far on the other side as `rearm` says.
    init(
        crossing threshold: Decimal64, price: Decimal64, isBelow: Bool, isAbove: Bool, isArmed: Bool,
        rearm: AlertAmount?
    ) {
        let rises = price > threshold && isBelow
        let falls = price < threshold && isAbove
        let isBack =
            rises
            ? Self.isBehind(price, threshold, .below, rearm) ?? true
            : falls ? Self.isBehind(price, threshold, .above, rearm) ?? true : false
        let isHeld = (price > threshold && !isBelow) || (price < threshold && !isAbove)
        self.init(isTrue: (rises || falls) && (isArmed || isBack), isBack: isBack, isHeld: isHeld)
    }

    /// Reads a measured value.
    ///
    /// - Parameters:
    ///   - value: What is measured; `nil` when it cannot be.
    ///   - amount: What it is compared with.
    ///   - isStrict: Whether the value must be above the amount, not only at it.
    ///   - rearm: How far it must come back.
    init(_ value: Measure?, amount: AlertAmount, isStrict: Bool, rearm: AlertAmount?) {
        guard let value else {
            self = .unknown
            return
        }
        let isTrue = isStrict ? value.isAbove(amount.value) : value.isAtLeast(amount.value)
        let isBack = amount.lessened(by: rearm).map { !value.isAbove($0) } ?? !isTrue
        self.init(isTrue: isTrue, isBack: isBack)
    }

    /// What is true when either of two is, and back when both are.
    static func either(_ left: AlertReading, _ right: AlertReading) -> AlertReading {
        AlertReading(isTrue: left.isTrue || right.isTrue, isBack: left.isBack && right.isBack)
    }
}

extension AlertEvaluator {
    /// Reads an alert's condition as its stream is now.
    ///
    /// - Parameters:
    ///   - index: The alert.
    ///   - price: The price to read conditions on prices with; the stream's last one if that is not another.
    ///   - now: The time of the evaluation.
    /// - Returns: False and back while nothing is known.
    func read(_ index: Int32, price: Decimal64?, now: Int64) -> AlertReading {
        guard let slot = self.slots[Int(index)] else { return .unknown }
        let rearm = self.options[slot.options].rearm
        let stream = Int(slot.stream)
        switch slot.condition {
        case .level, .crossing(.above, _), .crossing(.below, _), .inside, .enters, .leaves:
            return price.flatMap { AlertReading(slot.condition, price: $0, rearm: rearm) } ?? .unknown
        case .crossing(.either, let threshold):
            guard let price else { return .unknown }
            return AlertReading(
                crossing: threshold, price: price, isBelow: slot.flags.contains(.cameFromBelow),
                isAbove: slot.flags.contains(.cameFromAbove), isArmed: slot.isArmed, rearm: rearm)
        case .move(let direction, let amount, let span):
            guard let price, let gauge = self.moveGauge(of: span.length, stream: stream) else { return .unknown }
            guard let (rise, fall) = self.streams[stream].moves[gauge].moves(of: price, in: amount) else {
                return .unknown
            }
            let up = AlertReading(rise, amount: amount, isStrict: false, rearm: rearm)
            let down = AlertReading(fall, amount: amount, isStrict: false, rearm: rearm)
            switch direction {
            case .up: return up
            case .down: return down
            case .either: return .either(up, down)
            }
        case .newHigh(let window), .newLow(let window):
            guard let price, let gauge = self.moveGauge(of: window.wholeNanoseconds, stream: stream) else {
                return .unknown
            }
            let isHigh = if case .newHigh = slot.condition { true } else { false }
            return self.streams[stream].moves[gauge].extremeReading(
                price, isHigh: isHigh, isArmed: slot.isArmed, confirming: self.confirming(at: index)?.reference,
                rearm: rearm ?? AlertReading.defaultExtremeRearm, now: now)
        case .volume(let amount, let window):
            guard let gauge = self.volumeGauge(of: window.wholeNanoseconds, stream: stream) else { return .unknown }
            switch amount {
            case .absolute:
                let volume = self.streams[stream].volumes[gauge].volume
                return AlertReading(volume, amount: amount, isStrict: true, rearm: rearm)
            case .multiple:
                let multiple = self.streams[stream].volumes[gauge].multiple(at: now)
                return AlertReading(multiple, amount: amount, isStrict: true, rearm: rearm)
            case .percent: return .unknown
            }
        case .spread(let amount):
            let value = self.streams[stream].spread.value(in: amount)
            return AlertReading(value, amount: amount, isStrict: true, rearm: rearm)
        case .divergence(let amount, let first, let second):
            guard let pair = self.pairIndex(first, second, symbol: Int(slot.symbol)) else { return .unknown }
            let value = self.symbols[Int(slot.symbol)].pairs[pair].value(in: amount, at: now)
            return AlertReading(value, amount: amount, isStrict: false, rearm: rearm)
        case .silence: return .unknown
        }
    }
}

extension MoveGauge {
    /// The moves in the unit of `amount`.
    func moves(of last: Decimal64, in amount: AlertAmount) -> (rise: Measure, fall: Measure)? {
        switch amount {
        case .absolute: self.moves(of: last)
        case .percent: self.percentMoves(of: last)
        case .multiple: nil
        }
    }

    /// Reads `new high` or `new low`.
    ///
    /// It is true when the newest trade is beyond all before it; while that is to be confirmed, as long as the price is beyond what
    /// was passed then. It is back when the price is `rearm` behind the newest extreme; while it never was since the alert's edge, which
    /// is what disarms it, the new extreme goes on.
    func extremeReading(
        _ price: Decimal64, isHigh: Bool, isArmed: Bool, confirming: Decimal64?, rearm: AlertAmount, now: Int64
    ) -> AlertReading {
        guard let (low, high) = self.extremes(with: price) else { return .unknown }
        let passed = confirming ?? (self.isCovered(at: now) ? (isHigh ? self.highBefore : self.lowBefore)?.price : nil)
        let isTrue = passed.map { isHigh ? price > $0 : price < $0 } ?? false
        let amount = isHigh ? Measure(high.price, minus: price) : Measure(price, minus: low.price)
        let isBack: Bool
        switch rearm {
        case .absolute(let distance): isBack = amount.isAtLeast(distance)
        case .percent(let percent):
            let base = isHigh ? high.price : low.price
            isBack =
                base.mantissa > 0
                && (isHigh
                    ? Measure(base, minus: price, percentOf: base) : Measure(price, minus: base, percentOf: base))
                    .isAtLeast(percent)
        case .multiple: isBack = amount.numerator > 0
        }
        return AlertReading(isTrue: isTrue && !isBack, isBack: isBack, isHeld: !isBack && !isArmed)
    }
}

extension SpreadGauge {
    func value(in amount: AlertAmount) -> Measure? {
        switch amount {
        case .absolute: self.value
        case .percent: self.percentValue
        case .multiple: nil
        }
    }
}

extension VenuePair {
    func value(in amount: AlertAmount, at now: Int64) -> Measure? {
        switch amount {
        case .absolute: self.value(at: now)
        case .percent: self.percentValue(at: now)
        case .multiple: nil
        }
    }
}
