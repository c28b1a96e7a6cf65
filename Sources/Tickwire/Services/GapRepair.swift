import FeedLanguage
import Ingest
import Logging
import Market
import ServiceLifecycle
import Synchronization

/// Asks providers for what their feeds missed, and says of every gap how it ended.
final class GapRepair: Service {
    /// Gaps that may wait to be asked for; more stay open and are counted.
    private static let waitingMax = 10_000
    /// Gaps that are asked for at once, all venues together.
    private static let atOnceMax = 16

    private let repairer: BackfillRunner
    private let records: GuardService
    private let logger: Logger
    private let pipeline = Mutex<MarketPipeline?>(nil)
    /// Gaps that are open, by number, with what has come since by itself.
    private let open = Mutex<[UInt64: Int64]>([:])
    private let gaps: AsyncStream<FeedGap>
    private let input: AsyncStream<FeedGap>.Continuation

    init(repairer: BackfillRunner, records: GuardService, logger: Logger) {
        self.repairer = repairer
        self.records = records
        self.logger = logger
        (self.gaps, self.input) = AsyncStream.makeStream(
            of: FeedGap.self, bufferingPolicy: .bufferingOldest(Self.waitingMax))
    }

    /// Names the pipeline that takes what was missing; it needs this service's ``gapsChanged(_:)`` and so is made later.
    func attach(_ pipeline: MarketPipeline) { self.pipeline.withLock { $0 = pipeline } }

    /// Takes what happens to gaps; any thread.
    func gapsChanged(_ changes: [GapChange]) {
        for change in changes {
            switch change {
            case .opened(let gap):
                self.open.withLock { $0[gap.id] = 0 }
                guard case .dropped = self.input.yield(gap) else { continue }
                self.logger.error("Gap not asked for: too many wait", metadata: ["gap": "\(gap.id)"])
            case .narrowed(let id, let repaired):
                self.open.withLock { open in if open[id] != nil { open[id] = repaired } }
            case .closed(let id, _, _): self.open.withLock { $0[id] = nil }
            }
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                var running = 0
                for await gap in self.gaps {
                    if running == Self.atOnceMax {
                        await group.next()
                        running -= 1
                    }
                    running += 1
                    group.addTask { await self.repair(gap) }
                }
            }
        }
    }

    private func repair(_ gap: FeedGap) async {
        guard let pipeline = self.pipeline.withLock({ $0 }), self.isOpen(gap) else { return }
        var failure: String?
        // Quotes cannot be asked for again.
        if gap.stream == .quotes {
            failure = "quotes are not kept by providers"
        } else {
            for symbol in gap.symbols where !Task.isCancelled {
                var part = gap.gap
                part.symbol = symbol
                do {
                    _ = try await pipeline.backfill(try await self.repairer.trades(filling: part))
                } catch FeedRequestError.incomplete(let trades, _) {
                    failure = "the hole is larger than the feed file's pages reach"
                    // What was found is kept; a loop that is shut down takes nothing any more.
                    _ = try? await pipeline.backfill(trades)
                } catch {
                    failure = "\(error)"
                }
            }
        }
        // Stopped in the middle: the row stays open, which is the truth.
        if Task.isCancelled { return }
        // Numbered trades close their gap as they come in; a gap without numbers is closed by having asked.
        guard let came = self.open.withLock({ $0.removeValue(forKey: gap.id) }) else { return }
        let isRepaired = failure == nil && gap.missing == nil
        let now = Timestamp.now
        pipeline.settle(gap, as: isRepaired ? .repaired : .unrepairable, repaired: came, at: now)
        self.records.settled(gap, isRepaired: isRepaired, repaired: came, at: now)
        if let failure {
            self.logger.info(
                "Gap cannot be repaired", metadata: ["feed.name": "\(gap.gap.venue)", "error": "\(failure)"])
        }
    }

    private func isOpen(_ gap: FeedGap) -> Bool { self.open.withLock { $0[gap.id] != nil } }
}
