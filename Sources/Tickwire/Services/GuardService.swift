import Ingest
import Logging
import Market
import ServiceLifecycle
import Store

/// Writes down what the guard finds: gaps, and trades it holds back.
///
/// A database that is away is waited for, with a bound on what waits.
final class GuardService: Service {
    private let store: GuardStore
    private let queue: WriteQueue<GuardRecord>

    init(store: GuardStore, journal: Journal, logger: Logger) {
        self.store = store
        self.queue = WriteQueue(of: "gaps and held trades", waitingMax: 100_000, batchMax: 500, logger: logger) {
            // A gap must not be called repaired while a crash could still take the trades that repaired it.
            await journal.sync()
            try await store.write($0)
        }
    }

    /// Writes gaps down now.
    func write(_ gaps: [FeedGap]) async throws { try await self.store.write(gaps.map { .opened(GapRow($0)) }) }

    /// Takes what happens to gaps; any thread.
    func gapsChanged(_ changes: [GapChange]) {
        self.queue.append(
            changes.map { change in
                switch change {
                case .opened(let gap): .opened(GapRow(gap))
                case .narrowed(let id, let repaired): .narrowed(number: id, repaired: repaired)
                case .closed(let id, let repaired, let time): .closed(number: id, repaired: repaired, at: time)
                }
            }
        )
    }

    /// Takes how a gap ended that its feed did not close; any thread.
    func settled(_ gap: FeedGap, isRepaired: Bool, repaired: Int64, at time: Timestamp) {
        self.queue.append([
            isRepaired
                ? .closed(number: gap.id, repaired: repaired, at: time)
                : .unrepairable(number: gap.id, repaired: repaired, at: time)
        ])
    }

    /// Takes what is held back and let go; any thread.
    func quarantineChanged(_ changes: [QuarantineChange]) {
        self.queue.append(
            changes.map { change in
                switch change {
                case .held(let number, let trade): .held(number: number, trade)
                case .released(let number): .released(number: number)
                }
            }
        )
    }

    /// Takes over the gaps that other runs have left open for less than a day.
    ///
    /// - Returns: Those that can be asked for, oldest first.
    func takeOver(of venues: [Venue], nextNumber: @escaping @Sendable () -> UInt64) async throws -> [FeedGap] {
        let day: Int64 = 86400 * 1_000_000_000
        return try await self.store.takeOver(
            of: venues, since: Timestamp.now.advanced(byNanoseconds: -day), nextNumber: nextNumber
        ).compactMap { FeedGap($0) }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.queue.run() }
        await self.queue.drain()
    }
}

extension GapRow {
    /// The row of a gap that the pipeline has found.
    init(_ gap: FeedGap) {
        self.init(
            number: gap.id, venue: gap.venue, symbols: gap.symbols, bounds: gap.bounds, stream: gap.stream.rawValue,
            reason: gap.reason.rawValue, missing: gap.missing, openedAt: gap.openedAt
        )
    }
}

extension FeedGap {
    /// The gap that an earlier run has written down; `nil` for a row of a later version.
    init?(_ row: GapRow) {
        guard let stream = GapStream(rawValue: row.stream), let reason = GapReason(rawValue: row.reason) else {
            return nil
        }
        self.init(
            id: row.number, venue: row.venue, symbols: row.symbols, bounds: row.bounds, stream: stream, reason: reason,
            missing: row.missing, openedAt: row.openedAt
        )
    }
}
