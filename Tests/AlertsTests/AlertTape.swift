import Alerts
import Market
import Testing

/// An index with the shortest way to say "this happened, what fired?" for alerts of all kinds.
///
/// A line is a list of steps: `70` a trade, `70x5` one of that size, `q99/101` a quote, `+30s` time goes on (each step takes a second
/// otherwise), `@kraken` the steps after it are of that venue, which is not the primary one unless it is coinbase.
struct AlertTape {
    var index = AlertEvaluator()
    var now: Int64
    var venue = "coinbase"
    static let start: Int64 = 1_709_906_400  // 2024-03-08T14:00:00Z, a Friday; New York opens half an hour later.

    init(_ conditions: (AlertCondition, AlertOptions)..., start: Int64 = AlertTape.start) throws {
        self.now = start * 1_000_000_000
        for (number, (condition, options)) in conditions.enumerated() {
            self.index.insert(try Self.alert(condition, options, id: Int64(number + 1)), now: self.time)
        }
    }

    var time: Timestamp { Timestamp(nanoseconds: self.now) }

    static func alert(
        _ condition: AlertCondition, _ options: AlertOptions = AlertOptions(), id: Int64 = 1, venue: String? = nil,
        state: AlertState = AlertState()
    ) throws -> Alert {
        Alert(
            id: id, user: "ada", symbol: try Symbol("BTC-USD"), venue: try venue.map { try Venue($0) },
            expression: AlertExpression(condition: condition, options: options), state: state)
    }

    /// Plays a line and gives each firing as "price@second", seconds from ``start``; the id before it when it is not 1.
    mutating func run(_ line: String) throws -> [String] {
        var fired: [FiredAlert] = []
        for step in line.split(separator: " ") {
            if step.hasPrefix("+"), let seconds = Int64(step.dropFirst().dropLast()) {
                self.now += seconds * 1_000_000_000
                self.index.advance(to: self.time, into: &fired)
                continue
            }
            if step.hasPrefix("@") {
                self.venue = String(step.dropFirst())
                continue
            }
            self.now += 1_000_000_000
            let isPrimary = self.venue == "coinbase"
            if step.hasPrefix("q") {
                let sides = step.dropFirst().split(separator: "/")
                let quote = Quote(
                    symbol: try Symbol("BTC-USD"), venue: try Venue(self.venue),
                    bid: Decimal64(String(sides[0])), ask: Decimal64(String(sides[1])),
                    eventTime: self.time, receivedTime: self.time)
                self.index.evaluate(quote, isPrimary: isPrimary, now: self.time, into: &fired)
            } else {
                self.index.evaluate(try self.trade(String(step)), isPrimary: isPrimary, now: self.time, into: &fired)
            }
        }
        return fired.map(Self.text)
    }

    static func text(_ firing: FiredAlert) -> String {
        let seconds = (firing.firedAt.nanoseconds / 1_000_000_000) - Self.start
        let id = firing.alert.id == 1 ? "" : "\(firing.alert.id):"
        return "\(id)\(firing.cause.price?.description ?? "-")@\(seconds)" + (firing.isStorm ? "!" : "")
    }

    func trade(_ text: String, time: Timestamp? = nil) throws -> Trade {
        let parts = text.split(separator: "x")
        return Trade(
            symbol: try Symbol("BTC-USD"), venue: try Venue(self.venue),
            price: try #require(Decimal64(String(parts[0]))),
            size: parts.count > 1 ? Decimal64(String(parts[1])) : nil, side: .buy, id: nil,
            eventTime: time ?? self.time,
            receivedTime: time ?? self.time)
    }
}

func price(_ text: String) -> Decimal64 { Decimal64(text) ?? .zero }
func absolute(_ text: String) -> AlertAmount { .absolute(price(text)) }
func percent(_ text: String) -> AlertAmount { .percent(price(text)) }
func range(_ low: String, _ high: String) throws -> PriceRange {
    try #require(PriceRange(low: price(low), high: price(high)))
}
