import Alerts
import Market

/// A made-up market of many symbols that trades 100 000 times a second, and alerts on it.
struct AlertTape {
    private var random = SplitMix64(seed: 7)
    private let symbols: [Symbol]
    private let venue: Venue
    private var prices: [Int64]
    private var time: Int64 = 1_709_906_400_000_000_000
    private var number = 0
    /// The time between two trades, in nanoseconds.
    var pace: Int64 = 10_000

    init(symbols count: Int) throws {
        self.symbols = try (0..<count).map { try Symbol("COIN\($0)-USD") }
        self.venue = try Venue("benchmark")
        self.prices = Array(repeating: 1_000_000, count: count)
    }

    /// The next trades, ``pace`` apart, each of a random symbol: a walk of hundredths around 10 000.
    mutating func next(_ count: Int) throws -> [Trade] {
        var trades: [Trade] = []
        trades.reserveCapacity(count)
        for _ in 0..<count {
            let symbol = Int(self.random.next(below: UInt64(self.symbols.count)))
            self.prices[symbol] += Int64(self.random.next(below: 201)) - 100
            self.number += 1
            self.time += self.pace
            let now = Timestamp(nanoseconds: self.time)
            trades.append(
                Trade(
                    symbol: self.symbols[symbol], venue: self.venue,
                    price: try Decimal64(mantissa: self.prices[symbol], exponent: -2),
                    size: try Decimal64(mantissa: Int64(self.random.next(below: 1_000_000)) + 1, exponent: -4),
                    side: .buy, id: String(self.number), eventTime: now, receivedTime: now))
        }
        return trades
    }

    /// Alerts with ids that go on from `first`: seven tenths levels and crossings, up to a tenth of the price away.
    mutating func alerts(from first: Int64, count: Int) throws -> [Alert] {
        var random = SplitMix64(seed: UInt64(first))
        return try (0..<count).map { number in
            let symbol = self.symbols[Int(random.next(below: UInt64(self.symbols.count)))]
            let distance = Int64(random.next(below: 200_001)) - 100_000
            let threshold = try Decimal64(mantissa: 1_000_000 + distance, exponent: -2)
            return Alert(
                id: first + Int64(number), user: "user\(random.next(below: 10_000))", symbol: symbol,
                expression: AlertExpression(
                    condition: try self.condition(threshold, isAbove: distance > 0, &random),
                    options: AlertOptions(cooldown: random.next(below: 3) == 0 ? .seconds(900) : nil)))
        }
    }

    private func condition(
        _ threshold: Decimal64, isAbove: Bool, _ random: inout SplitMix64
    ) throws -> AlertCondition {
        let windows: [Int64] = [60, 300, 900, 3_600, 86_400]
        let window = Duration.seconds(windows[Int(random.next(below: 5))])
        let percent = AlertAmount.percent(try Decimal64(mantissa: Int64(random.next(below: 100)) + 10, exponent: -1))
        switch random.next(below: 100) {
        case 0..<40: return .level(isAbove ? .above : .below, threshold: threshold)
        case 40..<70:
            return .crossing(random.next(below: 2) == 0 ? .either : (isAbove ? .above : .below), threshold: threshold)
        case 70..<82: return .move(random.next(below: 2) == 0 ? .up : .down, by: percent, over: .window(window))
        case 82..<85: return .move(.either, by: percent, over: .today)
        case 85..<88: return .newHigh(window: .seconds(86_400))
        case 88..<94:
            let amount = try Decimal64(Int64(random.next(below: 1_000_000)) + 100_000)
            return .volume(above: .absolute(amount), window: window)
        case 94..<98: return .silence(.seconds(Int64(random.next(below: 10)) * 60 + 60))
        default: return .spread(above: percent)
        }
    }
}
