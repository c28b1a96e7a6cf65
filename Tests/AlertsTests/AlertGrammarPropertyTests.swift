import Alerts
import Market
import Testing

@Suite("Alert expressions, made up")
struct AlertGrammarPropertyTests {
    @Test("Every expression that can be read prints to a text that reads back as the same", arguments: UInt64(0)..<50)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var readable = 0
        for _ in 0..<200 {
            let expression = try Self.expression(using: &random)
            let text = expression.description
            // Options that cannot work with the condition are refused; what is accepted must be the same again.
            guard let read = try? AlertExpression(parsing: text) else { continue }
            readable += 1
            #expect(read == expression, "\(text)")
            #expect(read.description == text)
            let shouted = try AlertExpression(parsing: text.uppercased().replacing(" ", with: "  \t"))
            #expect(shouted == expression)
        }
        #expect(readable > 100)
    }

    @Test("Every condition without options reads back", arguments: UInt64(0)..<50)
    func conditions(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for kind in 0..<Self.kinds {
            let condition = try Self.condition(kind, using: &random)
            #expect(try AlertCondition(parsing: condition.description) == condition)
        }
    }

    @Test("No sequence of words crashes the parser, and its message points into the text", arguments: UInt64(0)..<300)
    func words(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "above", "below", "crosses", "between", "and", "enters", "leaves", "..", "...", ".", "moves", "up", "down",
            "in", "today", "new", "high", "low", "of", "volume", "spread", "silent", "for", "diverges", "coinbase",
            "kraken", "once", "repeat", "cooldown", "rearm", "confirm", "ticks", "again", "until", "priority", "urgent",
            "hours", "regular", "15m", "9d", "1", "2", "5%", "5x", "%", "x", "-", "±", "+-", "±5%", "1e99", "1e-99",
            "2026-12-31", "2026-12-31T15:00Z", "15:00", "🙂", "\n", "\u{0}", "٣", "１", "70,000", "$5", "١٠m",
        ]
        for _ in 0..<30 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                (pieces.randomElement(using: &random) ?? "") + (Int.random(in: 0..<5, using: &random) > 0 ? " " : "")
            }.joined()
            Self.probe(text)
        }
    }

    @Test("No sequence of bytes crashes the parser", arguments: UInt64(0)..<100)
    func bytes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let starts = ["", "above ", "moves ", "enters 1..", "above 1 until ", "above 1 confirm ", "volume above "]
        for _ in 0..<50 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random) & (Bool.random(using: &random) ? 0x7F : 0xFF)
            }
            Self.probe((starts.randomElement(using: &random) ?? "") + String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func probe(_ text: String) {
        let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)
        do {
            let expression = try AlertExpression(parsing: text, now: now)
            #expect((try? AlertExpression(parsing: expression.description, now: now)) == expression, "\(text)")
        } catch {
            #expect((1...text.count + 2).contains(error.column), "\(text): \(error)")
            #expect(error.description.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }
}

extension AlertGrammarPropertyTests {
    private static let kinds = 12

    private static func decimal(using random: inout SplitMix64) throws -> Decimal64 {
        try Decimal64(
            mantissa: Int64.random(in: 1...999_999, using: &random), exponent: Int.random(in: -9...3, using: &random))
    }

    private static func seconds(_ limit: Int64, using random: inout SplitMix64) -> Duration {
        let unit: Int64 = [1, 60, 3_600, 86_400].randomElement(using: &random) ?? 1
        return .seconds(min(unit * Int64.random(in: 1...60, using: &random), limit))
    }

    private static func distance(using random: inout SplitMix64) throws -> AlertAmount {
        if Bool.random(using: &random) { return .absolute(try self.decimal(using: &random)) }
        return .percent(try Decimal64(mantissa: Int64.random(in: 1...9_999, using: &random), exponent: -2))
    }

    private static func range(using random: inout SplitMix64) throws -> PriceRange {
        while true {
            let low = try self.decimal(using: &random)
            if let range = PriceRange(low: low, high: try self.decimal(using: &random)) { return range }
        }
    }

    private static func condition(_ kind: Int, using random: inout SplitMix64) throws -> AlertCondition {
        switch kind {
        case 0: return .level(.above, threshold: try self.decimal(using: &random))
        case 1: return .level(.below, threshold: try self.decimal(using: &random))
        case 2:
            let direction = CrossingDirection.allCases.randomElement(using: &random) ?? .either
            return .crossing(direction, threshold: try self.decimal(using: &random))
        case 3: return .inside(try self.range(using: &random))
        case 4: return .enters(try self.range(using: &random))
        case 5: return .leaves(try self.range(using: &random))
        case 6:
            let direction = MoveDirection.allCases.randomElement(using: &random) ?? .either
            let span: MoveSpan =
                Bool.random(using: &random) ? .today : .window(self.seconds(30 * 86_400, using: &random))
            return .move(direction, by: try self.distance(using: &random), over: span)
        case 7:
            let window = self.seconds(365 * 86_400, using: &random)
            return Bool.random(using: &random) ? .newHigh(window: window) : .newLow(window: window)
        case 8:
            let amount = try self.decimal(using: &random)
            let multiple = try Decimal64(mantissa: Int64.random(in: 1...9_999, using: &random), exponent: -1)
            return .volume(
                above: Bool.random(using: &random) ? .absolute(amount) : .multiple(multiple),
                window: self.seconds(86_400, using: &random))
        case 9: return .spread(above: try self.distance(using: &random))
        case 10: return .silence(self.seconds(30 * 86_400, using: &random))
        default:
            return .divergence(try self.distance(using: &random), try Venue("coinbase"), try Venue("and-1_x"))
        }
    }

    private static func expression(using random: inout SplitMix64) throws -> AlertExpression {
        var options = AlertOptions()
        func happens() -> Bool { Int.random(in: 0..<4, using: &random) == 0 }
        if happens() { options.mode = .once }
        if happens() { options.cooldown = self.seconds(365 * 86_400, using: &random) }
        if happens() { options.rearm = try self.distance(using: &random) }
        if happens() {
            let count = Int.random(in: 2...1_000, using: &random)
            options.confirmation = happens() ? .ticks(count) : .time(self.seconds(86_400, using: &random))
        }
        if happens() { options.again = try self.distance(using: &random) }
        if happens() {
            let unit: Int64 = [60_000_000_000, 1_000_000_000, 1_000, 1].randomElement(using: &random) ?? 1
            options.until = Timestamp(
                nanoseconds: Int64.random(in: 0...(8_000_000_000_000_000_000 / unit), using: &random) * unit)
        }
        if happens() { options.priority = AlertPriority.allCases.randomElement(using: &random) ?? .active }
        if happens() { options.hours = AlertHours.allCases.randomElement(using: &random) ?? .all }
        return AlertExpression(
            condition: try self.condition(Int.random(in: 0..<self.kinds, using: &random), using: &random),
            options: options)
    }
}
