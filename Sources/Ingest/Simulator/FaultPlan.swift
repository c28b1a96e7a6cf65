/// What goes wrong at a simulated exchange, and how often.
///
/// Made from text: `drop 1%, duplicate 0.5%, reorder 0.5%, garbage 0.2%, gap 20 every 30s, stall 3s every 1m,
/// disconnect every 45s, skew 2s, burst 5x for 1s every 20s`; `none` for a faultless exchange. What happens every so often
/// happens the first time when that time has passed once.
public struct FaultPlan: Sendable, Hashable {
    /// A share of the messages, in millionths.
    struct Share: Sendable, Hashable {
        var millionths: UInt64 = 0
    }

    /// Something that lasts for a while, every so often.
    ///
    /// Nanoseconds.
    struct Spell: Sendable, Hashable {
        var length: Int64
        var every: Int64

        /// Whether it holds when `elapsed` nanoseconds have passed.
        func holds(at elapsed: Int64) -> Bool { elapsed >= self.every && elapsed % self.every < self.length }
    }

    /// So many trades of one symbol, every so often.
    struct Gap: Sendable, Hashable {
        var trades: Int
        var every: Int64
    }

    /// A higher rate for a while.
    struct Burst: Sendable, Hashable {
        var factor: Int64
        var spell: Spell
    }

    /// Messages that are never sent and never served: lost for good.
    var drop = Share()
    /// Messages that are sent twice.
    var duplicate = Share()
    /// Messages that are sent after the next one of their kind and symbol.
    var reorder = Share()
    /// Messages that are followed by one that nobody can read.
    var garbage = Share()
    /// Trades that are not sent but served for backfill.
    var gap: Gap?
    /// Times at which nothing is sent; trades go on and are served for backfill.
    var stall: Spell?
    /// How often every connection is cut.
    ///
    /// Nanoseconds.
    var disconnect: Int64?
    /// By how much the exchange's clock is ahead of the real one.
    ///
    /// Negative when it is behind. Nanoseconds.
    var skew: Int64 = 0
    /// Times of a higher rate.
    var burst: Burst?

    /// A faultless exchange.
    public init() {}

    /// Whether nothing goes wrong.
    public var isEmpty: Bool { self == FaultPlan() }
}

extension FaultPlan: CustomStringConvertible {
    /// The text that makes an equal plan.
    public var description: String {
        var items: [String] = []
        for (name, share) in [
            ("drop", self.drop), ("duplicate", self.duplicate), ("reorder", self.reorder), ("garbage", self.garbage),
        ] where share.millionths > 0 { items.append("\(name) \(Self.percent(share))") }
        if let gap { items.append("gap \(gap.trades) every \(Self.duration(gap.every))") }
        if let stall { items.append("stall \(Self.duration(stall.length)) every \(Self.duration(stall.every))") }
        if let disconnect { items.append("disconnect every \(Self.duration(disconnect))") }
        if self.skew != 0 { items.append("skew \(Self.duration(self.skew))") }
        if let burst {
            let spell = burst.spell
            items.append(
                "burst \(burst.factor)x for \(Self.duration(spell.length)) every \(Self.duration(spell.every))")
        }
        return items.isEmpty ? "none" : items.joined(separator: ", ")
    }

    private static func percent(_ share: Share) -> String {
        let (whole, fraction) = share.millionths.quotientAndRemainder(dividingBy: 10_000)
        guard fraction > 0 else { return "\(whole)%" }
        var digits = String(10_000 + fraction).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)%"
    }

    private static func duration(_ nanoseconds: Int64) -> String {
        let units: [(Int64, String)] = [(3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s")]
        for (unit, name) in units where nanoseconds % unit == 0 { return "\(nanoseconds / unit)\(name)" }
        return "\(nanoseconds / 1_000_000)ms"
    }
}
