public import Alerts
public import Market
public import Store

/// How far an alert is from firing, as far as the last prices tell.
public struct AlertDistance: Sendable, Hashable {
    /// The last price; the spread's middle where that is what is known.
    public let price: Decimal64?
    /// What is missing, in the unit of the condition: how far the price must go, or how much must be added to what is measured;
    /// zero or less when the condition is true now, `nil` when last prices do not tell.
    public let missing: AlertAmount?
    /// The same for people: `1000 (1.45%) to go`.
    public let text: String
}

extension AlertDistance {
    /// Measures with the newest prices.
    ///
    /// - Parameters:
    ///   - alert: The alert.
    ///   - ticks: The newest state of its symbol at each venue.
    ///   - venues: Venues, best first: the first one with a price stands for the primary one.
    ///   - now: The time it is, for silences.
    public init(_ alert: Alert, ticks: [LastTick], venues: [Venue], now: Timestamp) {
        let own = ticks.filter { $0.symbol == alert.symbol }
        let tick: LastTick?
        if let venue = alert.venue {
            tick = own.first { $0.venue == venue }
        } else {
            let ranked = venues.lazy.compactMap { venue in own.first { $0.venue == venue && $0.lastPrice != nil } }
                .first
            tick = ranked ?? own.max { $0.receivedTime < $1.receivedTime }
        }
        switch alert.expression.condition {
        case .silence(let limit): self.init(silence: limit, tick, now: now)
        case .spread(let amount): self.init(spread: amount, tick)
        case .divergence(let amount, let first, let second):
            self.init(
                divergence: amount, own.first { $0.venue == first }?.lastPrice,
                own.first { $0.venue == second }?.lastPrice)
        case let condition:
            guard let price = tick?.lastPrice else {
                self.init(price: nil, missing: nil, text: "no price yet")
                return
            }
            self.init(condition, price: price, reference: tick?.reference)
        }
    }

    private init(_ condition: AlertCondition, price: Decimal64, reference: Decimal64?) {
        let target: Decimal64
        switch condition {
        case .level(let side, let threshold):
            if side == .above ? price > threshold : price < threshold {
                self.init(price: price, missing: .absolute(.zero), text: "true now, at \(price)")
                return
            }
            target = threshold
        case .crossing(_, let threshold): target = threshold
        case .inside(let range), .enters(let range), .leaves(let range):
            let isInside = range.contains(price)
            if isInside, case .inside = condition {
                self.init(price: price, missing: .absolute(.zero), text: "true now, at \(price)")
                return
            }
            let isNearLow = (try? price.adding(price)).flatMap { twice in
                (try? range.low.adding(range.high)).map { twice <= $0 }
            }
            target = isNearLow ?? (price <= range.low) ? range.low : range.high
        case .move(let direction, let amount, .today):
            self.init(move: direction, amount, price: price, reference: reference)
            return
        case .move, .newHigh, .newLow, .volume, .silence, .spread, .divergence:
            self.init(price: price, missing: nil, text: "at \(price); the window is known to the service only")
            return
        }
        guard let distance = try? target.subtracting(price) else {
            self.init(price: price, missing: nil, text: "at \(price)")
            return
        }
        let percent = Self.percent(distance.magnitude, of: price).map { " (\($0)%)" } ?? ""
        let way = distance.isNegative ? "down" : "up"
        self.init(
            price: price, missing: .absolute(distance.magnitude),
            text: distance.isZero
                ? "at \(price), on the threshold" : "\(distance.magnitude)\(percent) \(way) from \(price)")
    }

    private init(move direction: MoveDirection, _ amount: AlertAmount, price: Decimal64, reference: Decimal64?) {
        guard let reference, let moved = try? price.subtracting(reference) else {
            self.init(price: price, missing: nil, text: "at \(price); the day's reference is not known")
            return
        }
        let way =
            direction == .down
            ? (try? Decimal64.zero.subtracting(moved)) ?? moved : direction == .up ? moved : moved.magnitude
        self.init(price: price, amount: amount, measured: way, of: reference, what: "moved")
    }

    private init(spread amount: AlertAmount, _ tick: LastTick?) {
        guard let bid = tick?.bid, let ask = tick?.ask, let spread = try? ask.subtracting(bid),
            let sum = try? ask.adding(bid), let two = try? Decimal64(2), let middle = sum.dividedKeepingDigits(by: two)
        else {
            self.init(price: tick?.lastPrice, missing: nil, text: "no quote yet")
            return
        }
        self.init(price: middle.value, amount: amount, measured: spread, of: middle.value, what: "spread")
    }

    private init(divergence amount: AlertAmount, _ first: Decimal64?, _ second: Decimal64?) {
        guard let first, let second, let difference = try? first.subtracting(second) else {
            self.init(price: first ?? second, missing: nil, text: "not all prices are known yet")
            return
        }
        self.init(price: first, amount: amount, measured: difference.magnitude, of: min(first, second), what: "apart")
    }

    private init(silence limit: Duration, _ tick: LastTick?, now: Timestamp) {
        guard let tick else {
            self.init(price: nil, missing: nil, text: "no tick yet")
            return
        }
        let seconds = max(0, now.nanoseconds - tick.receivedTime.nanoseconds) / 1_000_000_000
        self.init(
            price: tick.lastPrice, missing: nil,
            text:
                "last tick \(seconds)s ago, of \(limit.components.seconds)s; time outside the market's hours does not count"
        )
    }

    /// Compares what is measured, given in the quote currency, with an amount in its own unit.
    private init(price: Decimal64, amount: AlertAmount, measured: Decimal64, of base: Decimal64, what: String) {
        let value: AlertAmount?
        let missing: AlertAmount?
        switch amount {
        case .absolute(let limit):
            value = .absolute(measured)
            missing = (try? limit.subtracting(measured)).map { .absolute($0) }
        case .percent(let limit):
            let percent = Self.percent(measured, of: base)
            value = percent.map { .percent($0) }
            missing = percent.flatMap { try? limit.subtracting($0) }.map { .percent($0) }
        case .multiple: (value, missing) = (nil, nil)
        }
        self.init(
            price: price, missing: missing,
            text: value.map { "\(what) \($0) of \(amount), at \(price)" } ?? "at \(price)")
    }

    /// In percent, rounded to two decimals.
    private static func percent(_ part: Decimal64, of whole: Decimal64) -> Decimal64? {
        // Numbers so long that they cannot be multiplied have no percentage.
        guard let hundred = try? Decimal64(100), let product = try? part.multiplied(by: hundred) else { return nil }
        return try? product.divided(by: whole, decimals: 2)
    }
}
