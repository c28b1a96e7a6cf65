import Alerts
import Market
import Testing

/// A made-up market with made-up alerts of all kinds, played to the index and to the plain evaluation.
struct AlertScenario {
    /// What was compared.
    struct Report {
        var ticks = 0
        var alerts = 0
        var fired: [String: Int] = [:]
        var timed = 0
    }

    /// A firing that one of the two did not have, or had otherwise.
    struct Difference: Error, CustomStringConvertible {
        var text: String
        var description: String { self.text }
    }

    /// How often the time is told between ticks.
    var advances = 0
    private var random: SplitMix64
    private let symbols: [Symbol]
    private let venues: [Venue]
    private var now: Int64
    private var prices: [Int]
    private var primary = 0
    private var nextID: Int64 = 1
    private(set) var index: AlertEvaluator
    private var plain = PlainEvaluator()
    private(set) var report = Report()

    init(seed: UInt64) throws {
        self.random = SplitMix64(seed: seed)
        self.symbols = [try Symbol("BTC-USD"), try Symbol("AAPL")]
        self.venues = [try Venue("one"), try Venue("two")]
        self.prices = [10_000, 10_000]
        let storm = StormGuard(firingsMax: 6, window: .seconds(60))
        self.index = AlertEvaluator(stormGuard: storm)
        self.plain.storm = storm
        // A Friday before the clocks change, within two hours of the opening or of the close, or anywhere.
        let starts: [Int64] = [1_709_906_400, 1_709_930_000, 1_709_900_000, 1_709_942_000]
        self.now = (starts.randomElement(using: &self.random) ?? 0) * 1_000_000_000 + 123_456_789
        self.index.setCalendar(.xnys, of: self.symbols[1])
        self.plain.calendars[self.symbols[1]] = .xnys
    }

    /// Plays `ticks` ticks to about `alerts` alerts.
    mutating func run(ticks: Int, alerts: Int) throws {
        for _ in 0..<alerts { self.insert() }
        for _ in 0..<ticks {
            try self.step(alerts: alerts)
            self.report.ticks += 1
        }
        self.now += 3_600_000_000_000
        var fired: [FiredAlert] = []
        self.index.advance(to: Timestamp(nanoseconds: self.now), into: &fired)
        try self.compare(fired, self.plain.advance(to: self.now), "at the end")
        #expect(self.index.count == self.plain.alerts.count)
    }

    private mutating func step(alerts: Int) throws {
        if self.advances > 0 {
            // What was due before a user changes something is due, whenever it is told.
            self.index.advance(to: Timestamp(nanoseconds: self.now), into: &self.pending)
            self.expected += self.plain.advance(to: self.now)
        }
        switch Int.random(in: 0..<60, using: &self.random) {
        case 0..<8 where self.plain.alerts.count < alerts * 2: self.insert()
        case 8, 9:
            if let id = self.plain.alerts.randomElement(using: &self.random)?.alert.id {
                self.index.remove(id: id)
                self.plain.remove(id)
            }
        case 10:
            if var alert = self.plain.alerts.randomElement(using: &self.random)?.alert {
                alert.snoozedUntil = Timestamp(
                    nanoseconds: self.now + Int64.random(in: 0...60, using: &self.random) * 1_000_000_000)
                self.insert(alert)
            }
        case 11: self.noteHole()
        case 12: self.primary = 1 - self.primary
        default: break
        }
        let before = self.now
        self.now += self.pause()
        var told: [FiredAlert] = []
        if self.advances > 0 {
            for part in 1...self.advances {
                let time = before + (self.now - before) / Int64(self.advances) * Int64(part)
                self.index.advance(to: Timestamp(nanoseconds: time), into: &told)
            }
        }
        let symbol = Int.random(in: 0..<2, using: &self.random)
        let venue = Int.random(in: 0..<2, using: &self.random)
        // Ticks of two venues overtake each other now and then.
        let late =
            self.advances > 0
            ? 0
            : Int.random(in: 0..<10, using: &self.random) == 0
                ? Int64.random(in: 0...1_900_000_000, using: &self.random) : 0
        let now = Timestamp(nanoseconds: self.now - late)
        let isPrimary = venue == self.primary
        var fired: [FiredAlert] = told
        var expected: [FiredAlert]
        if Int.random(in: 0..<4, using: &self.random) == 0 {
            let quote = try self.quote(symbol, venue, now)
            self.index.evaluate(quote, isPrimary: isPrimary, now: now, into: &fired)
            expected = self.plain.evaluate(quote, isPrimary: isPrimary, now: now.nanoseconds)
        } else {
            let trade = try self.trade(symbol, venue, now)
            self.index.evaluate(trade, isPrimary: isPrimary, now: now, into: &fired)
            expected = self.plain.evaluate(trade, isPrimary: isPrimary, now: now.nanoseconds)
        }
        if self.advances > 0 {
            // What was due on the other symbol is told earlier here than there.
            self.pending += fired
            self.expected += expected
            return
        }
        try self.compare(fired, expected, "tick \(self.report.ticks) at \(now)")
    }

    private var pending: [FiredAlert] = []
    private var expected: [FiredAlert] = []

    private mutating func compare(_ fired: [FiredAlert], _ expected: [FiredAlert], _ moment: String) throws {
        var fired = self.pending + fired
        var expected = self.expected + expected
        if self.advances > 0 {
            fired.sort { ($0.alert.id, $0.crossing) < ($1.alert.id, $1.crossing) }
            expected.sort { ($0.alert.id, $0.crossing) < ($1.alert.id, $1.crossing) }
        }
        let left = fired.map(Self.text)
        let right = expected.map(Self.text)
        if left != right {
            let place = zip(left, right).first { $0 != $1 }.map { "\n  index: \($0)\n  plain: \($1)" }
            let rest =
                left.count < right.count ? "\n  plain also: \(right[left.count])" : "\n  index also: \(left.last ?? "")"
            throw Difference(text: "\(moment): \(place ?? rest)")
        }
        for firing in fired {
            let kind = firing.alert.expression.condition.description.split(separator: " ").first.map(String.init) ?? ""
            self.report.fired[kind, default: 0] += 1
        }
    }

    /// All that a firing says.
    static func text(_ fired: FiredAlert) -> String {
        """
        \(fired.alert.id)#\(fired.crossing) \(fired.alert.expression) @\(fired.firedAt) \
        \(fired.cause.price?.description ?? "-") \(fired.cause.venue?.name ?? "-") \(fired.cause.tradeID ?? "-") \
        \(fired.cause.receivedTime) was \(fired.previousPrice?.description ?? "-") \
        \(fired.measurement?.amount?.description ?? "-") of \(fired.measurement?.reference?.description ?? "-") \
        \(fired.measurement?.referenceTime?.description ?? "-") late \(fired.lateness?.since.description ?? "-") \
        storm \(fired.isStorm)
        """
    }

    // MARK: What happens

    private mutating func pause() -> Int64 {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<10: 0
        case 10..<40: Int64.random(in: 1...900_000_000, using: &self.random)
        case 40..<90: Int64.random(in: 0...3, using: &self.random) * 1_000_000_000
        case 90..<97: Int64.random(in: 5_000_000_000...90_000_000_000, using: &self.random)
        case 97..<99: Int64.random(in: 600...3_600, using: &self.random) * 1_000_000_000
        default: Int64.random(in: 3_600...60_000, using: &self.random) * 1_000_000_000
        }
    }

    private mutating func trade(_ symbol: Int, _ venue: Int, _ now: Timestamp) throws -> Trade {
        let isJump = Int.random(in: 0..<15, using: &self.random) == 0
        self.prices[symbol] +=
            10 * (isJump ? Int.random(in: -30...30, using: &self.random) : Int.random(in: -3...3, using: &self.random))
        self.prices[symbol] = min(max(self.prices[symbol], 9_500), 10_500)
        let price = self.prices[symbol] + (venue == 1 ? 10 * Int.random(in: -2...2, using: &self.random) : 0)
        let size =
            Int.random(in: 0..<8, using: &self.random) == 0 ? nil : Int64.random(in: 1...3_000, using: &self.random)
        return Trade(
            symbol: self.symbols[symbol], venue: self.venues[venue],
            price: try Decimal64(mantissa: Int64(price), exponent: -2),
            size: try size.map { try Decimal64(mantissa: $0, exponent: -3) }, side: .buy, id: "t\(self.report.ticks)",
            eventTime: now, receivedTime: now, flags: Int.random(in: 0..<25, using: &self.random) == 0 ? .snapshot : [])
    }

    private mutating func quote(_ symbol: Int, _ venue: Int, _ now: Timestamp) throws -> Quote {
        let middle = self.prices[symbol]
        let spread = Int.random(in: 0..<6, using: &self.random) == 0 ? 150 : 20
        let bid = middle - 10 * Int.random(in: 0...(spread / 10), using: &self.random)
        let ask = middle + 10 * Int.random(in: 0...(spread / 10), using: &self.random)
        let isHalf = Int.random(in: 0..<5, using: &self.random) == 0
        return Quote(
            symbol: self.symbols[symbol], venue: self.venues[venue],
            bid: try Decimal64(mantissa: Int64(bid), exponent: -2),
            ask: isHalf ? nil : try Decimal64(mantissa: Int64(ask), exponent: -2), eventTime: now, receivedTime: now)
    }

    private mutating func noteHole() {
        let symbol = self.symbols[Int.random(in: 0..<2, using: &self.random)]
        let venue = self.venues[Int.random(in: 0..<2, using: &self.random)]
        let lateness = AlertLateness(reason: .gap, since: Timestamp(nanoseconds: self.now))
        self.index.noteHole(symbol: symbol, venue: venue, lateness: lateness)
        // The index knows streams from their first tick or alert on.
        let isKnown =
            self.plain.streams.keys.contains { $0.symbol == symbol }
            || self.plain.alerts.contains { $0.alert.symbol == symbol } || self.everInserted.contains(symbol)
        if isKnown { self.plain.noteHole(symbol, venue, lateness) }
    }

    private var everInserted: Set<Symbol> = []

    // MARK: Alerts

    private mutating func insert() {
        var generator = AlertGenerator(random: self.random, symbols: self.symbols, venues: self.venues, now: self.now)
        let alert = generator.alert(id: self.nextID)
        self.random = generator.random
        self.nextID += 1
        self.report.alerts += 1
        self.everInserted.insert(alert.symbol)
        self.insert(alert)
    }

    private mutating func insert(_ alert: Alert) {
        self.index.insert(alert, now: Timestamp(nanoseconds: self.now))
        self.plain.insert(alert, now: self.now)
    }
}

/// Makes up alerts of all kinds with all options.
struct AlertGenerator {
    var random: SplitMix64
    let symbols: [Symbol]
    let venues: [Venue]
    let now: Int64

    private mutating func isOneOf(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self.random) == 0 }

    private mutating func number(_ range: ClosedRange<Int64>, _ digits: Int) -> Decimal64 {
        (try? Decimal64(mantissa: Int64.random(in: range, using: &self.random), exponent: -digits)) ?? .zero
    }

    private mutating func duration(_ seconds: [Int64]) -> Duration {
        .seconds(seconds.randomElement(using: &self.random) ?? 1)
    }

    private mutating func range() -> PriceRange {
        let low = Int64.random(in: 960...1_030, using: &self.random)
        let high = low + Int64.random(in: 1...25, using: &self.random)
        guard let low = try? Decimal64(mantissa: low, exponent: -1),
            let high = try? Decimal64(mantissa: high, exponent: -1),
            let range = PriceRange(low: low, high: high)
        else { preconditionFailure("\(low) is not below \(high)") }
        return range
    }

    private mutating func change() -> AlertAmount {
        Bool.random(using: &self.random) ? .absolute(self.number(1...25, 1)) : .percent(self.number(1...25, 1))
    }

    private mutating func condition() -> AlertCondition {
        let price = self.number(965...1_035, 1)
        let window = self.duration([5, 30, 60, 700, 3_600])
        switch Int.random(in: 0..<16, using: &self.random) {
        case 0: return .level(Bool.random(using: &self.random) ? .above : .below, threshold: price)
        case 1, 2:
            return .crossing(CrossingDirection.allCases.randomElement(using: &self.random) ?? .either, threshold: price)
        case 3: return .inside(self.range())
        case 4: return .enters(self.range())
        case 5: return .leaves(self.range())
        case 6, 7, 8:
            return .move(
                MoveDirection.allCases.randomElement(using: &self.random) ?? .up, by: self.change(),
                over: self.isOneOf(4) ? .today : .window(window))
        case 9: return .newHigh(window: window)
        case 10: return .newLow(window: window)
        case 11:
            return .volume(
                above: self.isOneOf(2) ? .absolute(self.number(1...40, 0)) : .multiple(self.number(5...40, 1)),
                window: self.duration([5, 30, 60, 700]))
        case 12:
            return .spread(
                above: self.isOneOf(2) ? .absolute(self.number(1...15, 1)) : .percent(self.number(5...120, 2)))
        case 13: return .silence(self.duration([2, 10, 60, 3_600, 30_000]))
        default: return .divergence(self.change(), self.venues[0], self.venues[1])
        }
    }

    private mutating func options() -> AlertOptions {
        var options = AlertOptions()
        if self.isOneOf(5) { options.mode = .once }
        if self.isOneOf(4) { options.cooldown = self.duration([1, 5, 30, 60]) }
        if self.isOneOf(3) {
            options.rearm = self.isOneOf(2) ? .absolute(self.number(1...12, 1)) : .percent(self.number(5...120, 2))
        }
        if self.isOneOf(3) {
            options.confirmation =
                self.isOneOf(2)
                ? .ticks(Int.random(in: 2...4, using: &self.random)) : .time(self.duration([1, 3, 10, 40]))
        }
        if self.isOneOf(4) {
            options.again = self.isOneOf(2) ? .absolute(self.number(1...12, 1)) : .percent(self.number(5...120, 2))
        }
        if self.isOneOf(10) {
            options.until = Timestamp(
                nanoseconds: self.now + Int64.random(in: 1...900, using: &self.random) * 1_000_000_000)
        }
        if self.isOneOf(5) { options.hours = AlertHours.regular }
        if self.isOneOf(6) { options.hours = AlertHours.extended }
        return options
    }

    mutating func alert(id: Int64) -> Alert {
        let condition = self.condition()
        var options = self.options()
        // What is not measured in prices comes back in its own unit, too.
        if case .volume(.multiple, _) = condition, self.isOneOf(2) { options.rearm = .multiple(self.number(1...10, 1)) }
        return Alert(
            id: id, user: "user\(id % 3)", symbol: self.symbols[self.isOneOf(2) ? 0 : 1],
            venue: self.isOneOf(2) ? self.venues.randomElement(using: &self.random) : nil,
            expression: AlertExpression(condition: condition, options: options),
            snoozedUntil: self.isOneOf(10)
                ? Timestamp(nanoseconds: self.now + Int64.random(in: 1...90, using: &self.random) * 1_000_000_000) : nil
        )
    }
}
