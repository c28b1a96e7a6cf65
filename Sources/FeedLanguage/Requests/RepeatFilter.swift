import Market

/// Drops what a polled provider has already said: the same price in answer after answer is one tick, not many.
///
/// Compares an answer with the one before it for the same request, so that a price that goes and comes back is news each
/// time. Holds no more than the ticks of one answer a request.
struct RepeatFilter: Sendable {
    private struct Round {
        var before: Set<TickKey> = []
        var present: Set<TickKey> = []
    }

    private var rounds: [Int: Round] = [:]

    /// A new round of pages begins.
    mutating func begin(_ target: Int) { self.rounds[target, default: Round()].present = [] }

    /// Removes the ticks that the round before brought; within one answer nothing is removed.
    mutating func keepNews(_ ticks: inout [Tick], of target: Int) {
        var round = self.rounds[target] ?? Round()
        let keys = ticks.map(TickKey.init)
        var news: [Tick] = []
        for (tick, key) in zip(ticks, keys) where !round.before.contains(key) { news.append(tick) }
        round.present.formUnion(keys)
        self.rounds[target] = round
        ticks = news
    }

    /// The round is over: its ticks are what the next one is compared with.
    ///
    /// An empty round leaves the one before.
    mutating func finish(_ target: Int) {
        guard let round = self.rounds[target], !round.present.isEmpty else { return }
        self.rounds[target] = Round(before: round.present)
    }

    /// Forgets a request.
    mutating func forget(_ target: Int) { self.rounds[target] = nil }
}

/// All of a tick but when it arrived.
private struct TickKey: Hashable {
    private let tick: Tick

    init(_ tick: Tick) {
        let epoch = Timestamp(nanoseconds: 0)
        switch tick {
        case .trade(var trade):
            trade.receivedTime = epoch
            if Self.hasNoTime(trade.flags) { trade.eventTime = epoch }
            self.tick = .trade(trade)
        case .quote(var quote):
            quote.receivedTime = epoch
            if Self.hasNoTime(quote.flags) { quote.eventTime = epoch }
            self.tick = .quote(quote)
        }
    }

    /// The receive time stands in for the event time: it differs each time.
    private static func hasNoTime(_ flags: TickFlags) -> Bool {
        flags.contains(.noEventTime) || flags.contains(.implausibleTime)
    }
}
