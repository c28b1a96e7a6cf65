import FeedLanguage
import Ingest
import Logging
import Market
import ServiceLifecycle
import Synchronization

/// Asks providers for what their feeds missed, and says of every gap how it ended.
///
/// One request to a venue at a time; venues do not wait for each other.
final class GapRepair: Service {
    private struct State {
        var queue = RepairQueue()
        /// Venues that are being asked.
        var busy: Set<Venue> = []
    }

    /// How long a venue that does not answer is left alone, and how long a gap is asked for again and again.
    private static let pause = Duration.seconds(30)
    private static let patienceNanoseconds: Int64 = 3600 * 1_000_000_000

    private let repairer: BackfillRunner
    private let records: GuardService
    private let logger: Logger
    private let pipeline = Mutex<MarketPipeline?>(nil)
    private let state = Mutex(State())
    private let venues: AsyncStream<Venue>
    private let input: AsyncStream<Venue>.Continuation

    init(repairer: BackfillRunner, records: GuardService, logger: Logger) {
        self.repairer = repairer
        self.records = records
        self.logger = logger
        (self.venues, self.input) = AsyncStream.makeStream(of: Venue.self)
    }

    /// Names the pipeline that takes what was missing; it needs this service's ``gapsChanged(_:)`` and so is made later.
    func attach(_ pipeline: MarketPipeline) { self.pipeline.withLock { $0 = pipeline } }

    /// Takes what happens to gaps; any thread.
    func gapsChanged(_ changes: [GapChange]) {
        for change in changes {
            switch change {
            case .opened(let gap): self.add(gap)
            case .narrowed(let id, let repaired):
                self.state.withLock { $0.queue.narrow(id, repaired: repaired) }
            case .closed(let id, _, _): self.state.withLock { $0.queue.close(id) }
            }
        }
    }

    /// How many gaps have not ended.
    var waiting: Int { self.state.withLock { $0.queue.count } }

    private func add(_ gap: FeedGap) {
        let (isAdded, wakes) = self.state.withLock { state in
            guard state.queue.add(gap) else { return (false, false) }
            return (true, state.busy.insert(gap.venue).inserted)
        }
        if wakes { self.input.yield(gap.venue) }
        if !isAdded {
            self.logger.error(
                "Gap not asked for: too many wait", metadata: ["feed.name": "\(gap.venue)", "gap": "\(gap.id)"])
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for await venue in self.venues { group.addTask { await self.repair(venue) } }
            }
        }
    }

    private func repair(_ venue: Venue) async {
        guard let pipeline = self.pipeline.withLock({ $0 }) else { return }
        while let turn = self.next(of: venue) {
            guard case .ask(let job) = turn else {
                // New gaps of the venue wait too: what is asked for together costs less.
                if case .wait(let time) = turn { do { try await Task.sleep(for: time) } catch { return } }
                continue
            }
            var trades: [Trade] = []
            var failure: String?
            var mayBeLate = true
            do {
                if let range = job.range {
                    trades = try await self.repairer.trades(in: range, of: venue)
                } else {
                    failure = "quotes are not kept by providers"
                }
            } catch FeedRequestError.incomplete(let found, _) {
                trades = found
                failure = "the venue's history, or what the feed file's pages reach of it, does not cover the hole"
            } catch {
                mayBeLate = false
                if error.isTransient, self.putBack(job) {
                    do { try await Task.sleep(for: Self.pause) } catch { return }
                    continue
                }
                failure = "\(error)"
            }
            do {
                _ = try await pipeline.backfill(trades)
            } catch {
                failure = failure ?? "\(error)"
            }
            // Stopped in the middle: the rows stay open, which is the truth.
            if Task.isCancelled { return }
            let endings = self.state.withLock {
                $0.queue.finish(job, trades: trades, failure: failure, now: mayBeLate ? .now : nil)
            }
            for ending in endings { self.settle(ending, pipeline) }
        }
    }

    private enum Turn {
        case ask(RepairQueue.Job)
        case wait(Duration)
    }

    private func next(of venue: Venue) -> Turn? {
        let now = Timestamp.now
        return self.state.withLock { state in
            if let job = state.queue.next(of: venue, now: now) { return .ask(job) }
            if let time = state.queue.nextTime(of: venue) {
                return .wait(.nanoseconds(max(1_000_000, time.nanoseconds - now.nanoseconds)))
            }
            state.busy.remove(venue)
            return nil
        }
    }

    /// - Returns: `false` when the gaps have waited for too long.
    private func putBack(_ job: RepairQueue.Job) -> Bool {
        guard let openedAt = job.openedAt, openedAt.advanced(byNanoseconds: Self.patienceNanoseconds) > .now else {
            return false
        }
        self.state.withLock { $0.queue.putBack(job) }
        return true
    }

    private func settle(_ ending: RepairQueue.Ending, _ pipeline: MarketPipeline) {
        let now = Timestamp.now
        pipeline.settle(
            ending.gap, as: ending.isRepaired ? .repaired : .unrepairable, repaired: ending.repaired, at: now)
        self.records.settled(ending.gap, isRepaired: ending.isRepaired, repaired: ending.repaired, at: now)
        if let failure = ending.failure {
            self.logger.info(
                "Gap cannot be repaired", metadata: ["feed.name": "\(ending.gap.venue)", "error": "\(failure)"])
        }
    }
}
