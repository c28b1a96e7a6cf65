public import Alerts
import Atomics
public import Channels
public import Market
public import NIOCore

/// Where the pipeline's results go.
///
/// None of these may block: they are called on the shards' event loops.
public struct PipelineOutputs: Sendable {
    /// Takes every tick that passed the guard, for the recorder.
    public var record: @Sendable ([Tick]) -> Void
    /// Takes the latest state of every symbol and venue that changed, about four times a second.
    public var saveStates: @Sendable ([PublishedState]) -> Void
    /// Takes alerts that fired, for the store and the push services.
    public var alertsFired: @Sendable ([FiredAlert]) -> Void
    /// Takes channel events.
    public var publisher: any EventPublisher

    /// Names the four outputs.
    public init(
        record: @escaping @Sendable ([Tick]) -> Void, saveStates: @escaping @Sendable ([PublishedState]) -> Void,
        alertsFired: @escaping @Sendable ([FiredAlert]) -> Void, publisher: any EventPublisher
    ) {
        self.record = record
        self.saveStates = saveStates
        self.alertsFired = alertsFired
        self.publisher = publisher
    }
}

/// A market state with the sequence number it was last published under.
public struct PublishedState: Sendable {
    /// The state of one symbol at one venue.
    public let state: MarketState
    /// The sequence of the newest `tick` on `ticker-SYMBOL@VENUE`.
    public let sequence: UInt64
}

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

    private let shards: [MarketShard]

    /// Makes a pipeline.
    ///
    /// - Parameters:
    ///   - eventLoops: At least one; each gets a shard.
    ///   - venuePriority: The first venue of this list that has a symbol drives its plain channel; the next takes over when it is silent.
    ///   - failoverAfter: How long the primary venue may be silent before another one takes over.
    ///   - sequenceStart: The first sequence number of every channel. Microseconds since 1970 at start keep sequences rising over restarts.
    ///   - outputs: Where results go.
    public init(
        eventLoops: [any EventLoop], venuePriority: [Venue], failoverAfter: Duration = .seconds(30),
        sequenceStart: UInt64, outputs: PipelineOutputs
    ) {
        precondition(!eventLoops.isEmpty, "a pipeline needs an event loop")
        self.shards = eventLoops.map {
            MarketShard(
                eventLoop: $0, venuePriority: venuePriority, failoverAfter: failoverAfter, sequenceStart: sequenceStart,
                outputs: outputs
            )
        }
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
        self.shards.reduce(into: Counters(ticks: 0, duplicates: 0, alertsFired: 0, alertsArmed: 0)) { sum, shard in
            sum.ticks += shard.tickCount.load(ordering: .relaxed)
            sum.duplicates += shard.duplicateCount.load(ordering: .relaxed)
            sum.alertsFired += shard.alertCount.load(ordering: .relaxed)
            sum.alertsArmed += shard.armedCount.load(ordering: .relaxed)
        }
    }

    private func shardIndex(of symbol: Symbol) -> Int {
        Int(UInt(bitPattern: symbol.hashValue) % UInt(self.shards.count))
    }
}
