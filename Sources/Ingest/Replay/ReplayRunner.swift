import FeedLanguage
public import Market
import Synchronization

/// What a finished replay did.
public struct ReplaySummary: Equatable, Sendable {
    /// The feed.
    public var feed: Venue
    /// Frames that were played.
    public var frames = 0
    /// Trades that they gave.
    public var trades = 0
    /// Quotes that they gave.
    public var quotes = 0
    /// When the first and the last line were recorded.
    public var recorded: ClosedRange<Timestamp>?
    /// Why it ended before the recording did.
    public var problem: String?
}

/// Plays a recording in a feed's place: same decoder, same counters, same way onward.
final class ReplayRunner: FeedRunner {
    /// What is handed on at once when nothing paces the frames.
    private static let batchTicks = 500

    private let feed: Feed
    private let replay: FeedReplay
    private let monitor: ConnectionMonitor
    private let sink: @Sendable ([Tick]) -> Void
    private let summary: Mutex<ReplaySummary>
    private let untilStopped: AsyncStream<Never>
    private let stopping: AsyncStream<Never>.Continuation

    init(feed: Feed, replay: FeedReplay, monitor: ConnectionMonitor, sink: @escaping @Sendable ([Tick]) -> Void) {
        self.feed = feed
        self.replay = replay
        self.monitor = monitor
        self.sink = sink
        self.summary = Mutex(ReplaySummary(feed: feed.name))
        (self.untilStopped, self.stopping) = AsyncStream.makeStream(of: Never.self)
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.play() }
            group.addTask { for await _ in self.untilStopped {} }
            await group.next()
            group.cancelAll()
        }
        self.monitor.report(ConnectionMonitor.State.stopped)
        self.replay.finished(self.summary.withLock { $0 })
    }

    func stop() { self.stopping.finish() }

    /// A recording holds what it holds.
    func replaceSymbols(_ symbols: [Symbol]) {}

    /// The replay goes on with the file that it began with, so that its ticks are all of one kind.
    func replaceFeed(_ feed: Feed) {}

    private func play() async {
        do {
            self.monitor.opened()
            self.monitor.report(ConnectionMonitor.State.live)
            try await self.playLines()
        } catch is CancellationError {
            self.summary.withLock { $0.problem = "it was stopped" }
        } catch {
            self.summary.withLock { $0.problem = "\(error)" }
        }
        self.monitor.ended()
    }

    private func playLines() async throws {
        var reader = try RecordingReader(path: self.replay.file)
        var decoder = RecordingDecoder(feed: self.feed, symbols: self.replay.symbols)
        var pace = ReplayPace(self.replay.speed)
        var ticks: [Tick] = []
        while let line = try reader.next() {
            if let due = pace.instant(of: line.time) {
                self.handOn(&ticks)
                try await Task.sleep(until: due, clock: .continuous)
            }
            guard let outcome = decoder.decode(line, into: &ticks) else { continue }
            line.payload.withUnsafeBytes { self.monitor.count(outcome, frame: $0) }
            self.summary.withLock { summary in
                summary.frames += 1
                let newest = max(line.time, summary.recorded?.upperBound ?? line.time)
                summary.recorded = min(summary.recorded?.lowerBound ?? line.time, line.time)...newest
            }
            if ticks.count >= Self.batchTicks {
                self.handOn(&ticks)
                // What follows takes its time: a replay must not drop what a live feed would not have brought so fast.
                await self.replay.settle()
                try Task.checkCancellation()
            }
        }
        self.handOn(&ticks)
        await self.replay.settle()
    }

    private func handOn(_ ticks: inout [Tick]) {
        if let wanted = self.replay.wanted { ticks.removeAll { !wanted.contains($0.symbol) } }
        guard !ticks.isEmpty else { return }
        if !self.replay.firesAlerts { for index in ticks.indices { ticks[index].flags.insert(.replayed) } }
        self.summary.withLock { summary in
            for tick in ticks {
                switch tick {
                case .trade: summary.trades += 1
                case .quote: summary.quotes += 1
                }
            }
        }
        self.sink(ticks)
        ticks.removeAll(keepingCapacity: true)
    }
}
