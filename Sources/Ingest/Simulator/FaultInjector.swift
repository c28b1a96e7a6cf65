import Market

/// Decides what becomes of each message by a ``FaultPlan``: the same seed and the same times give the same decisions.
struct FaultInjector: Sendable {
    /// What becomes of a message.
    enum Fate: Sendable, Equatable {
        /// It is sent.
        case send
        /// It is sent twice.
        case sendTwice
        /// It is sent after the next one of its kind and symbol.
        case holdBack
        /// It is not sent, and served for backfill.
        case withhold
        /// It is not sent, and never served.
        case drop
    }

    let plan: FaultPlan
    private var random: SplitMix64
    private var gapsBegun: Int64 = 0
    private var gap: (symbolIndex: Int, tradesLeft: Int)?
    private var cutsDone: Int64 = 0

    init(_ plan: FaultPlan, seed: UInt64) {
        self.plan = plan
        // Its own numbers: the market's prices are the same with faults and without.
        self.random = SplitMix64(seed: seed ^ 0x5DEE_CE66_D1CE_CAFE)
    }

    /// What becomes of a message `elapsed` nanoseconds after the plan came into force.
    mutating func fate(of message: SimulatedMessage, elapsed: Int64) -> Fate {
        if self.plan.isEmpty { return .send }
        // All numbers are drawn for every message, so that one fault does not move another.
        let isDropped = self.draws(self.plan.drop)
        let isHeldBack = self.draws(self.plan.reorder)
        let isDoubled = self.draws(self.plan.duplicate)
        let isInGap = self.isInGap(message, elapsed: elapsed)
        if isDropped { return .drop }
        if isInGap || self.isStalled(elapsed: elapsed) { return .withhold }
        if isHeldBack { return .holdBack }
        return isDoubled ? .sendTwice : .send
    }

    /// A frame that nobody can read, for now and then; `nil` most times.
    mutating func garbage(after message: [UInt8]) -> [UInt8]? {
        guard self.draws(self.plan.garbage) else { return nil }
        switch self.random.next(below: 5) {
        case 0: return Array(message.prefix(Int(self.random.next(below: UInt64(max(1, message.count))))))
        case 1: return Array("<html>502 Bad Gateway</html>".utf8)
        case 2: return Array(#"{"type":"trade","symbol":"BTC-USD","price":"1e","size":[]}"#.utf8)
        case 3: return Array(#"{"type":"surprise","value":null}"#.utf8)
        default: return Array(repeating: UInt8(ascii: "["), count: 2_000)
        }
    }

    /// Whether nothing is sent at all.
    func isStalled(elapsed: Int64) -> Bool { self.plan.stall?.holds(at: elapsed) ?? false }

    /// How many times the rate is what it should be.
    func rateFactor(elapsed: Int64) -> Int64 {
        guard let burst = self.plan.burst, burst.spell.holds(at: elapsed) else { return 1 }
        return burst.factor
    }

    /// Whether every connection is cut now; `true` once each time.
    mutating func cutsConnections(elapsed: Int64) -> Bool {
        guard let every = self.plan.disconnect, elapsed / every > self.cutsDone else { return false }
        self.cutsDone = elapsed / every
        return true
    }

    /// A gap takes the symbol of the first trade after its time.
    private mutating func isInGap(_ message: SimulatedMessage, elapsed: Int64) -> Bool {
        guard let plan = self.plan.gap, case .trade(let trade) = message else { return false }
        if self.gap == nil, elapsed / plan.every > self.gapsBegun {
            self.gapsBegun = elapsed / plan.every
            self.gap = (trade.symbolIndex, plan.trades)
        }
        guard let gap, gap.symbolIndex == trade.symbolIndex else { return false }
        self.gap = gap.tradesLeft > 1 ? (gap.symbolIndex, gap.tradesLeft - 1) : nil
        return true
    }

    private mutating func draws(_ share: FaultPlan.Share) -> Bool {
        share.millionths > 0 && self.random.next(below: 1_000_000) < share.millionths
    }
}
