public import Alerts
import Atomics
public import Market
public import NIOCore

/// The way of a tick from the feeds to recorder, channels and alerts: one shard an event loop, each symbol on one shard.
public final class MarketPipeline: Sendable {
    /// Counts since start.
    public struct Counters: Sendable {
        /// Ticks that passed the guard.
        public var ticks: Int
        /// Trades dropped because their id was known.
        public var duplicates: Int
        /// Alerts that fired.
        public var alertsFired: Int
        /// Alerts that are being evaluated now.
        public var alertsArmed: Int
    }

    let shards: [MarketShard]
    let shared: MarketShard.Shared

    /// Makes a pipeline.
    ///
    /// - Parameters:
    ///   - eventLoops: At least one; each gets a shard.
    ///   - venuePriority: The first venue of this list that has a symbol drives its plain channel; the next takes over when it is silent.
    ///   - failoverAfter: How long the primary venue may be silent before another one takes over.
    ///   - sequenceStart: The first sequence number of every channel. Microseconds since 1970 at start keep sequences rising over restarts.
    ///   - settings: How the guard judges.
    ///   - stormGuard: When an alert fires too often.
    ///   - outputs: Where results go.
    public init(
        eventLoops: [any EventLoop], venuePriority: [Venue], failoverAfter: Duration = .seconds(30),
        sequenceStart: UInt64, settings: GuardSettings = GuardSettings(), stormGuard: StormGuard = StormGuard(),
        outputs: PipelineOutputs
    ) {
        precondition(!eventLoops.isEmpty, "a pipeline needs an event loop")
        let shared = MarketShard.Shared(
            priority: Dictionary(
                venuePriority.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first }
            ),
            failoverAfter: TimeAmount(failoverAfter), sequenceStart: sequenceStart, settings: settings,
            stormGuard: stormGuard, outputs: outputs,
            registry: GuardRegistry(sequencing: settings.sequencing),
            board: FeedStatusBoard(publisher: outputs.publisher)
        )
        self.shared = shared
        self.shards = eventLoops.map { MarketShard(eventLoop: $0, shared: shared) }
    }

    /// Takes the ticks of one read from a feed's event loop, in order.
    public func ingest(_ ticks: [Tick]) {
        if self.shards.count == 1 {
            self.shards[0].enqueue(ticks)
            return
        }
        var parts = [[Tick]](repeating: [], count: self.shards.count)
        for tick in ticks { parts[self.shardIndex(of: tick.symbol)].append(tick) }
        for (shard, part) in zip(self.shards, parts) where !part.isEmpty { shard.enqueue(part) }
    }

    /// Puts stored states back before the first tick, and shows them as the channels' snapshots.
    public func restore(_ states: [MarketState]) {
        for (index, shard) in self.shards.enumerated() {
            shard.restore(states.filter { self.shardIndex(of: $0.symbol) == index })
        }
    }

    /// Puts stored candles back before the first trade, and shows them to those who subscribe.
    public func restore(_ candles: [VenueSymbol: CandleSheet]) {
        for (index, shard) in self.shards.enumerated() {
            shard.restore(candles.filter { self.shardIndex(of: $0.key.symbol) == index })
        }
    }

    /// Makes `alerts` the ones that are evaluated.
    ///
    /// Those that stay keep what they remember of the prices they saw.
    public func reload(_ alerts: [Alert]) {
        for (index, shard) in self.shards.enumerated() {
            shard.reload(alerts.filter { self.shardIndex(of: $0.symbol) == index })
        }
    }

    /// Publishes what waits and hands the last states over.
    ///
    /// Call when the feeds have stopped.
    public func flush() async throws {
        for shard in self.shards { try await shard.flush().get() }
    }

    /// Counts since start, over all shards.
    public var counters: Counters {
        let alertsArmed = self.alertStatus.armed
        return self.shards.reduce(
            into: Counters(ticks: 0, duplicates: 0, alertsFired: 0, alertsArmed: alertsArmed)
        ) { sum, shard in
            sum.ticks += shard.tickCount.load(ordering: .relaxed)
            sum.duplicates += shard.duplicateCount.load(ordering: .relaxed)
            sum.alertsFired += shard.alertCount.load(ordering: .relaxed)
        }
    }

    func shardIndex(of symbol: Symbol) -> Int {
        Int(UInt(bitPattern: symbol.hashValue) % UInt(self.shards.count))
    }
}
