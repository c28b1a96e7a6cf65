public import Alerts
import Market
import NIOCore

/// The alerts: which are evaluated, what was found, and how an evaluator catches up with what it missed.
///
/// A pipeline evaluates from the start unless it is told to wait. Catching up goes: ``holdAlerts()`` before the first tick;
/// ``beginAlerts(_:)``; ``loadAlerts(_:)`` and ``replay(_:)`` as the ticks' order has it; ``beginBuffering()``, ``replay(_:)`` up to
/// that place, ``goLive()``.
extension MarketPipeline {
    /// Adds alerts or takes over their changes, removes those that are paused, and removes others.
    ///
    /// - Parameters:
    ///   - alerts: As they are stored now.
    ///   - removed: The ids of alerts that are not there any more.
    public func changeAlerts(_ alerts: [Alert], removed: [Int64] = []) {
        for (index, shard) in self.shards.enumerated() {
            let part = alerts.filter { self.shardIndex(of: $0.symbol) == index }
            // An alert's symbol may have changed: other shards must not keep it.
            let gone = removed + alerts.lazy.filter { self.shardIndex(of: $0.symbol) != index }.map(\.id)
            if !part.isEmpty || !gone.isEmpty { shard.change(part, removed: gone) }
        }
    }

    /// Removes all alerts but those with the ids.
    public func keepAlerts(only ids: Set<Int64>) { for shard in self.shards { shard.keep(only: ids) } }

    /// What was found since the last call, one for each shard; none of those that are catching up.
    ///
    /// - Returns: The cuts, and whether every shard gave one.
    /// - Throws: The event loop's error when it is shut down.
    public func takeAlertCuts() async throws -> (cuts: [AlertCut], isWhole: Bool) {
        var cuts: [AlertCut] = []
        for future in self.shards.map({ $0.cut() }) {
            if let cut = try await future.get() { cuts.append(cut) }
        }
        return (cuts, cuts.count == self.shards.count)
    }

    /// Takes out which history the windows of alerts lack since the last call; to be answered with ``seedAlerts(_:)``.
    ///
    /// - Throws: The event loop's error when it is shut down.
    public func takeHistoryNeeds() async throws -> [AlertHistoryNeed] {
        var needs: [AlertHistoryNeed] = []
        for shard in self.shards { needs += try await shard.historyNeeds().get() }
        return needs
    }

    /// Fills windows with what happened before.
    ///
    /// - Throws: The event loop's error when it is shut down.
    public func seedAlerts(_ histories: [AlertHistory]) async throws {
        for (index, shard) in self.shards.enumerated() {
            let part = histories.filter { self.shardIndex(of: $0.symbol) == index }
            if !part.isEmpty { try await shard.seed(part).get() }
        }
    }

    /// What the alerts do.
    public var alertStatus: AlertStatus {
        self.shards.reduce(into: AlertStatus()) { $1.alertCounts.add(to: &$0) }
    }

    // MARK: Catching up

    /// Evaluates nothing for now.
    ///
    /// Call before the first tick and before ``restore(_:)-([MarketState])``.
    public func holdAlerts() { for shard in self.shards { shard.onLoop { shard.alerts.wait() } } }

    /// Forgets all alerts, and waits for what is loaded and replayed.
    ///
    /// - Parameter streams: Where each stream was when what will be loaded was stored.
    /// - Throws: The event loop's error when it is shut down.
    public func beginAlerts(_ streams: [EvaluatedStream]) async throws {
        for (index, shard) in self.shards.enumerated() {
            try await shard.hold(streams.filter { self.shardIndex(of: $0.symbol) == index }).get()
        }
    }

    /// Adds alerts for the ticks that are replayed next.
    ///
    /// - Throws: The event loop's error when it is shut down.
    public func loadAlerts(_ alerts: [Alert]) async throws {
        for (index, shard) in self.shards.enumerated() {
            let part = alerts.filter { self.shardIndex(of: $0.symbol) == index }
            if !part.isEmpty { try await shard.load(part).get() }
        }
    }

    /// Evaluates ticks that were recorded before, in the order in which they had come.
    ///
    /// Those that wait since ``beginBuffering()`` are left out.
    ///
    /// - Throws: The event loop's error when it is shut down.
    public func replay(_ ticks: [NumberedTick]) async throws {
        if self.shards.count == 1 { return try await self.shards[0].replay(ticks).get() }
        var parts = [[NumberedTick]](repeating: [], count: self.shards.count)
        for tick in ticks { parts[self.shardIndex(of: tick.tick.symbol)].append(tick) }
        for future in zip(self.shards, parts).filter({ !$1.isEmpty }).map({ $0.replay($1) }) { try await future.get() }
    }

    /// Notes for every stream that ticks may be missing since the newest one that was evaluated.
    ///
    /// - Throws: The event loop's error when it is shut down.
    public func noteHoles(_ reason: AlertLateness.Reason) async throws {
        for shard in self.shards { try await shard.noteHoles(reason).get() }
    }

    /// From now on keeps what comes.
    ///
    /// - Returns: Up to where ticks must still be replayed, and from where again when ``goLive()`` fails.
    /// - Throws: The event loop's error when it is shut down.
    public func beginBuffering() async throws -> (first: TickPlace, last: TickPlace) {
        var places: [TickPlace] = []
        for shard in self.shards { places.append(try await shard.beginBuffering().get()) }
        return places.reduce((places[0], places[0])) { (TickPlace.earlier($0.0, $1), TickPlace.later($0.1, $1)) }
    }

    /// Evaluates what was kept, and goes on with what comes.
    ///
    /// - Returns: `false` when it was too much to be kept: replay again from the first place that ``beginBuffering()`` gave.
    /// - Throws: The event loop's error when it is shut down.
    public func goLive() async throws -> Bool {
        var areLive = true
        for shard in self.shards where try await !shard.goLive().get() { areLive = false }
        return areLive
    }
}
