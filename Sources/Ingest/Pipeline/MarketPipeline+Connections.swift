import Atomics
public import FeedLanguage
public import Market
import NIOCore

/// What feeds tell the pipeline besides ticks, and what repairs bring.
extension MarketPipeline {
    /// A connection was lost.
    ///
    /// Its symbols go to other venues or are called stale; the first ticks after it tell whether something is missing.
    ///
    /// - Parameters:
    ///   - venue: The feed.
    ///   - symbols: What the connection carried.
    ///   - time: When its last frame came.
    ///   - isStall: Whether it was given up because nothing came any more.
    ///   - reason: One line for the channel `status`.
    public func connectionLost(
        _ venue: Venue, symbols: [Symbol], at time: Timestamp, isStall: Bool = false, reason: String = ""
    ) {
        self.shared.board.lost(venue, symbols, reason: reason, at: .now)
        self.eachShard(of: symbols) { shard, part in
            shard.onLoop { shard.connectionLost(venue, part, at: time, isStall: isStall) }
        }
    }

    /// A connection stands: subscribed, though nothing need have come yet.
    public func connectionRestored(_ venue: Venue, symbols: [Symbol], at time: Timestamp = .now) {
        self.shared.board.returned(venue, symbols, at: time)
        self.eachShard(of: symbols) { shard, part in shard.onLoop { shard.connectionRestored(venue, part) } }
    }

    /// Symbols are asked of a feed no more.
    ///
    /// What happens until they are asked for again is no gap, and nobody is told that they are stale; other venues take over.
    ///
    /// - Parameters:
    ///   - venue: The feed.
    ///   - symbols: What is not asked for any more.
    ///   - isAskedForOthers: Whether other symbols stay.
    ///   - time: The wall clock.
    public func left(_ venue: Venue, symbols: [Symbol], isAskedForOthers: Bool = false, at time: Timestamp = .now) {
        guard !symbols.isEmpty else { return }
        self.shared.board.left(venue, symbols, isAskedForOthers: isAskedForOthers, at: time)
        // Behind the ticks that were handed over before.
        self.eachShard(of: symbols) { shard, part in shard.onLoop { shard.left(venue, part) } }
    }

    /// Venues say whether symbols trade: told on the tickers' channels as `halt`.
    public func tradingChanged(_ statuses: [TradingStatus]) {
        for (index, shard) in self.shards.enumerated() {
            let part = statuses.filter { self.shardIndex(of: $0.symbol) == index }
            if !part.isEmpty { shard.onLoop { shard.tradingChanged(part) } }
        }
    }

    /// Symbols are asked of a feed, for the first time or again.
    public func joined(_ venue: Venue, symbols: [Symbol]) {
        self.eachShard(of: symbols) { shard, part in shard.onLoop { shard.joined(venue, part) } }
    }

    /// Frames of a connection are missing, by the numbers that the connection itself counts.
    ///
    /// - Parameters:
    ///   - venue: The feed.
    ///   - symbols: What the connection carries: ticks of any of them may be missing.
    ///   - from: The number of the last frame before the hole.
    ///   - to: The number of the first frame after it.
    ///   - since: When the last frame before the hole came.
    ///   - time: When the first frame after it came.
    public func connectionGap(
        _ venue: Venue, symbols: [Symbol], from: Int64, to: Int64, since: Timestamp?, at time: Timestamp
    ) {
        guard !symbols.isEmpty else { return }
        let (distance, overflow) = to.subtractingReportingOverflow(from)
        let gap = FeedGap(
            id: self.nextNumber(),
            venue: venue, symbols: symbols,
            bounds: TickBounds(fromSequence: from, toSequence: to, fromTime: since, toTime: time), reason: .connection,
            missing: overflow || distance < 1 ? nil : distance - 1,
            openedAt: time
        )
        self.shared.registry.tally(of: venue).countGap(.connection, missing: gap.missing)
        // Kept before any shard can tell that it is closed.
        self.shared.outputs.gaps([.opened(gap)])
        self.eachShard(of: symbols) { shard, _ in shard.onLoop { shard.connectionGap(gap) } }
    }

    /// A feed says what it does: shown on the channel `status`.
    public func feedChanged(_ venue: Venue, to state: FeedState, reason: String = "", at time: Timestamp = .now) {
        self.shared.board.changed(venue, to: state, reason: reason, at: time)
    }

    /// Every feed's state.
    public var feedStatuses: [FeedStatus] { self.shared.board.statuses }

    /// What the numbers of a feed promise, for one that is added or changed while the pipeline runs.
    public func update(_ sequencing: FeedSequencing, of venue: Venue) {
        self.shared.registry.update(sequencing, of: venue)
        for shard in self.shards { shard.onLoop { shard.update(sequencing, of: venue) } }
    }

    /// The newest stored trades of symbols and venues: what is missing since then is a gap.
    ///
    /// Call before the first tick, after ``restore(_:)``.
    public func resume(after trades: [Trade]) {
        for (index, shard) in self.shards.enumerated() {
            shard.resume(after: trades.filter { self.shardIndex(of: $0.symbol) == index })
        }
    }

    /// Takes trades that were asked for to fill a hole: recorded and counted in the windows, but no news.
    ///
    /// - Parameter trades: Oldest first.
    /// - Returns: How many were not known yet.
    /// - Throws: The event loop's error when it is shut down.
    public func backfill(_ trades: [Trade]) async throws -> Int {
        var parts = [[Tick]](repeating: [], count: self.shards.count)
        for trade in trades {
            var marked = trade
            marked.flags.insert(.backfilled)
            parts[self.shardIndex(of: trade.symbol)].append(.trade(marked))
        }
        var accepted = 0
        for (shard, part) in zip(self.shards, parts) where !part.isEmpty {
            accepted += try await shard.backfill(part).get()
        }
        return accepted
    }

    /// Ends a gap that no tick of the feed has closed, and tells its channels.
    public func settle(_ gap: FeedGap, as state: GapState, repaired: Int64, at time: Timestamp = .now) {
        self.eachShard(of: gap.symbols) { shard, _ in
            shard.onLoop { shard.settle(gap, as: state, repaired: repaired, at: time) }
        }
    }

    /// A number for a gap or a held trade that no other one of this process has.
    public func nextNumber() -> UInt64 { self.shared.numbers.wrappingIncrementThenLoad(ordering: .relaxed) }

    /// What the guard has counted, by feed.
    public var guardCounters: [GuardCounters] { self.shared.registry.counters }

    private func eachShard(of symbols: [Symbol], _ body: (MarketShard, [Symbol]) -> Void) {
        for (index, shard) in self.shards.enumerated() {
            let part = symbols.filter { self.shardIndex(of: $0) == index }
            if !part.isEmpty { body(shard, part) }
        }
    }
}
