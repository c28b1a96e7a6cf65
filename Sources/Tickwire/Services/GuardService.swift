import DequeModule
import Ingest
import Logging
import Market
import Postgres
import ServiceLifecycle
import Store
import Synchronization

/// Writes down what the guard finds: gaps, and trades it holds back.
///
/// A database that is away is waited for, with a bound on what waits.
final class GuardService: Service {
    /// Records that may wait while PostgreSQL is away.
    private static let waitingMax = 100_000
    /// Records written in one transaction.
    private static let batchMax = 500

    private let store: GuardStore
    private let logger: Logger
    private let waiting = Mutex<Deque<GuardRecord>>([])
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    init(store: GuardStore, logger: Logger) {
        self.store = store
        self.logger = logger
        (self.wakeUps, self.wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes what happens to gaps; any thread.
    func gapsChanged(_ changes: [GapChange]) {
        self.enqueue(
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
        self.enqueue([
            isRepaired
                ? .closed(number: gap.id, repaired: repaired, at: time)
                : .unrepairable(number: gap.id, repaired: repaired, at: time)
        ])
    }

    /// Takes what is held back and let go; any thread.
    func quarantineChanged(_ changes: [QuarantineChange]) {
        self.enqueue(
            changes.map { change in
                switch change {
                case .held(let number, let trade): .held(number: number, trade)
                case .released(let number): .released(number: number)
                }
            }
        )
    }

    private func enqueue(_ records: [GuardRecord]) {
        let lost = self.waiting.withLock { waiting in
            let room = max(0, Self.waitingMax - waiting.count)
            waiting.append(contentsOf: records.prefix(room))
            return records.count - min(room, records.count)
        }
        if lost > 0 {
            self.logger.error(
                "Gaps or held trades not written: too many wait for PostgreSQL", metadata: ["records": "\(lost)"])
        }
        self.wakeUp.yield()
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.write() }
        // What was found in the last moments still goes to the database, if it is there.
        while let batch = self.next() {
            do { try await self.store.write(batch) } catch {
                self.logger.error("Gaps not written", metadata: ["error": "\(error)", "records": "\(batch.count)"])
                return
            }
        }
    }

    private func next() -> [GuardRecord]? {
        self.waiting.withLock { waiting in
            guard !waiting.isEmpty else { return nil }
            let batch = Array(waiting.prefix(Self.batchMax))
            waiting.removeFirst(batch.count)
            return batch
        }
    }

    private func write() async {
        var backOff = BackOff(first: .milliseconds(250), longest: .seconds(30))
        for await _ in self.wakeUps {
            while !Task.isCancelled, let batch = self.next() {
                do {
                    try await self.store.write(batch)
                    backOff.reset()
                } catch let error as PostgresError where error.isTransient {
                    self.waiting.withLock { $0.prepend(contentsOf: batch) }
                    self.logger.warning("Gaps wait for PostgreSQL", metadata: ["error": "\(error)"])
                    do { try await Task.sleep(for: backOff.next()) } catch { return }
                } catch {
                    self.logger.error(
                        "Gaps not written", metadata: ["error": "\(error)", "records": "\(batch.count)"])
                }
            }
        }
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
