import Alerts
import Market
import Testing

/// One alert evaluated the plain way: it looks at every price of its stream.
private struct NaiveAlert {
    var alert: Alert
    var isArmed = true
    /// The newest price off the threshold, from the stream's whole history.
    var lastOff: Decimal64?
    var hasPrice: Bool

    init(_ alert: Alert, history: [Decimal64]) {
        self.alert = alert
        self.lastOff = history.last { $0 != alert.expression.condition.threshold }
        self.hasPrice = !history.isEmpty
    }

    /// Whether it fires at `price`.
    mutating func evaluate(_ price: Decimal64, now: Timestamp) -> Bool {
        var isEdge = false
        guard let threshold = self.alert.expression.condition.threshold else { return false }
        switch self.alert.expression.condition {
        case .level(let side, _):
            let isTrue = side == .above ? price > threshold : price < threshold
            isEdge = isTrue && self.isArmed
            self.isArmed = !isTrue
        case .crossing(let direction, _):
            if self.hasPrice, price != threshold {
                let rises = price > threshold && self.lastOff.map { $0 < threshold } ?? true
                let falls = price < threshold && self.lastOff.map { $0 > threshold } ?? true
                isEdge = (rises && direction != .below) || (falls && direction != .above)
            }
        default: return false
        }
        if price != threshold { self.lastOff = price }
        self.hasPrice = true
        guard isEdge else { return false }
        if let cooldown = self.alert.expression.options.cooldown, let firedAt = self.alert.state.lastFiredAt,
            Duration.nanoseconds(now.nanoseconds - firedAt.nanoseconds) < cooldown
        {
            return false
        }
        self.alert.state.lastFiredAt = now
        self.alert.state.crossingCount += 1
        return true
    }
}

/// What the index must do, told the slow way.
private struct NaiveIndex {
    struct Stream: Hashable {
        var symbol: Symbol
        var venue: Venue?
    }
    var alerts: [NaiveAlert] = []
    var history: [Stream: [Decimal64]] = [:]

    mutating func insert(_ alert: Alert) {
        let stream = Stream(symbol: alert.symbol, venue: alert.venue)
        self.alerts.append(NaiveAlert(alert, history: self.history[stream] ?? []))
    }

    mutating func evaluate(_ trade: Trade, isPrimary: Bool, now: Timestamp) -> [String] {
        if trade.flags.contains(.snapshot) { return [] }
        var fired: [(Int64, String)] = []
        for index in self.alerts.indices {
            let alert = self.alerts[index].alert
            guard alert.symbol == trade.symbol, alert.venue == nil ? isPrimary : alert.venue == trade.venue else {
                continue
            }
            let stream = Stream(symbol: alert.symbol, venue: alert.venue)
            let previous = self.history[stream]?.last
            if self.alerts[index].evaluate(trade.price, now: now) {
                let crossing = self.alerts[index].alert.state.crossingCount
                fired.append((alert.id, "\(alert.id)#\(crossing) from \(previous?.description ?? "nothing")"))
            }
        }
        self.history[Stream(symbol: trade.symbol, venue: trade.venue), default: []].append(trade.price)
        if isPrimary { self.history[Stream(symbol: trade.symbol, venue: nil), default: []].append(trade.price) }
        self.alerts.removeAll { $0.alert.expression.options.mode == .once && $0.alert.state.crossingCount > 0 }
        return fired.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

@Suite("Alert index against the plain evaluation")
struct AlertPropertyTests {
    private static func randomAlert(id: Int64, symbols: [Symbol], venues: [Venue], using random: inout SplitMix64)
        throws -> Alert
    {
        let threshold = try Decimal64(mantissa: 1_000 + Int64.random(in: -40...40, using: &random), exponent: -1)
        let conditions: [AlertCondition] = [
            .level(.above, threshold: threshold), .level(.below, threshold: threshold),
            .crossing(.either, threshold: threshold), .crossing(.above, threshold: threshold),
            .crossing(.below, threshold: threshold),
        ]
        let expression = AlertExpression(
            condition: conditions[Int.random(in: 0..<5, using: &random)],
            options: AlertOptions(
                mode: Int.random(in: 0..<4, using: &random) == 0 ? .once : .repeat,
                cooldown: Int.random(in: 0..<3, using: &random) == 0
                    ? .seconds(Int64.random(in: 1...20, using: &random)) : nil))
        return Alert(
            id: id, user: "u", symbol: symbols[Int.random(in: 0..<symbols.count, using: &random)],
            venue: Int.random(in: 0..<3, using: &random) == 0 ? venues.randomElement(using: &random) : nil,
            expression: expression)
    }

    private func compare(seed: UInt64, alerts alertCount: Int, steps: Int) throws -> Int {
        var random = SplitMix64(seed: seed)
        let symbols = [try Symbol("BTC-USD"), try Symbol("AAPL")]
        let venues = [try Venue("one"), try Venue("two")]
        var index = AlertEvaluator()
        var naive = NaiveIndex()
        var nextID: Int64 = 1
        var mantissas: [Int64] = [1_000, 1_000]
        var firedCount = 0
        func insert() throws {
            let alert = try Self.randomAlert(id: nextID, symbols: symbols, venues: venues, using: &random)
            nextID += 1
            index.insert(alert)
            naive.insert(alert)
        }
        for _ in 0..<alertCount { try insert() }
        for step in 0..<steps {
            if Int.random(in: 0..<4, using: &random) == 0 { try insert() }
            if Int.random(in: 0..<8, using: &random) == 0, let victim = naive.alerts.randomElement(using: &random) {
                index.remove(id: victim.alert.id)
                naive.alerts.removeAll { $0.alert.id == victim.alert.id }
            }
            let which = Int.random(in: 0..<symbols.count, using: &random)
            let isJump = Int.random(in: 0..<20, using: &random) == 0
            mantissas[which] +=
                isJump ? Int64.random(in: -40...40, using: &random) : Int64.random(in: -3...3, using: &random)
            mantissas[which] = min(max(mantissas[which], 955), 1_045)
            let venue = venues[Int.random(in: 0..<3, using: &random) == 0 ? 1 : 0]
            let now = Timestamp(nanoseconds: Int64(step) * 1_000_000_000)
            let trade = Trade(
                symbol: symbols[which], venue: venue, price: try Decimal64(mantissa: mantissas[which], exponent: -1),
                size: nil, side: .unknown, id: nil, eventTime: now, receivedTime: now,
                flags: Int.random(in: 0..<15, using: &random) == 0 ? .snapshot : [])
            var fired: [FiredAlert] = []
            index.evaluate(trade, isPrimary: venue == venues[0], now: now, into: &fired)
            let found = fired.map { "\($0.alert.id)#\($0.crossing) from \($0.previousPrice?.description ?? "nothing")" }
            let expected = naive.evaluate(trade, isPrimary: venue == venues[0], now: now)
            try #require(found == expected, "seed \(seed), step \(step), price \(trade.price)")
            firedCount += fired.count
        }
        #expect(index.count == naive.alerts.count)
        return firedCount
    }

    @Test("Random walks fire exactly what a look at every alert fires", arguments: UInt64(0)..<200)
    func walks(seed: UInt64) throws {
        #expect(try self.compare(seed: seed, alerts: 40, steps: 150) > 0)
    }

    @Test("So do thousands of alerts on the same few thresholds", arguments: UInt64(1000)..<1004)
    func crowds(seed: UInt64) throws {
        #expect(try self.compare(seed: seed, alerts: 4_000, steps: 60) > 1_000)
    }

    @Test("The order of insertion does not change what fires", arguments: UInt64(0)..<20)
    func insertionOrder(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let symbols = [try Symbol("BTC-USD")]
        let venues = [try Venue("one")]
        let alerts = try (1...1_500).map {
            try Self.randomAlert(id: $0, symbols: symbols, venues: venues, using: &random)
        }
        var first = AlertEvaluator()
        var second = AlertEvaluator()
        for alert in alerts { first.insert(alert) }
        for alert in alerts.shuffled(using: &random) { second.insert(alert) }
        for step in 0..<40 {
            let now = Timestamp(nanoseconds: Int64(step) * 1_000_000_000)
            let price = try Decimal64(mantissa: Int64.random(in: 955...1_045, using: &random), exponent: -1)
            let trade = Trade(
                symbol: symbols[0], venue: venues[0], price: price, size: nil, side: .sell, id: nil, eventTime: now,
                receivedTime: now)
            var left: [FiredAlert] = []
            var right: [FiredAlert] = []
            first.evaluate(trade, now: now, into: &left)
            second.evaluate(trade, now: now, into: &right)
            #expect(left == right)
        }
    }
}
