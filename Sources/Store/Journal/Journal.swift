public import Logging
public import Market
import Synchronization

/// A durable queue on disk between the feeds and PostgreSQL; see docs/journal.md.
///
/// Each tick of a stream has a number: 0, 1, 2 … over the journal's whole life. "Position *p*" means all ticks whose
/// number is less than *p*. Callable from any thread.
public final class Journal: Sendable {
    private let shared: JournalShared
    private let thread: JournalThread
    private let lock: Mutex<JournalLock?>

    /// Opens the journal, or makes it: takes its lock, cuts torn tails, starts its thread.
    ///
    /// Reads the newest segment of each stream once. What is damaged in others is met by who reads it.
    ///
    /// - Parameters:
    ///   - settings: Folder, bounds and intervals.
    ///   - logger: Hears of repairs, alarms and losses.
    /// - Throws: ``JournalError``.
    public convenience init(_ settings: JournalSettings, logger: Logger) throws(JournalError) {
        try self.init(settings, disk: SystemDisk(), timing: JournalTiming(), logger: logger)
    }

    init(
        _ settings: JournalSettings, disk: any JournalDisk, timing: JournalTiming, logger: Logger
    ) throws(JournalError) {
        let folder = JournalFolder(directory: settings.directory, disk: disk, logger: logger)
        try folder.make()
        self.lock = Mutex(try JournalLock(directory: settings.directory))
        let signal = try JournalSignal()
        let (id, trades, quotes) = try folder.open()
        self.shared = JournalShared(
            settings: settings, timing: timing, disk: disk, logger: logger, signal: signal,
            state: JournalState(id: id, trades: .init(trades), quotes: .init(quotes)))
        do {
            self.thread = try JournalThread(self.shared, trades: trades, quotes: quotes)
        } catch {
            for case let file? in [trades.file, quotes.file] { disk.close(file) }
            throw error
        }
    }

    deinit { self.close() }

    /// The journal's UUID, under which positions are kept; changed by ``renew()``.
    public var id: String { self.shared.state.withLock { $0.id } }

    /// Hands ticks over; never waits for the disk.
    ///
    /// They are written after ``JournalSettings/writeInterval`` and synced after ``JournalSettings/syncInterval`` at the
    /// latest, unless the disk is slower. After ``close()`` they are lost and counted.
    public func append(_ ticks: [Tick]) {
        guard !ticks.isEmpty else { return }
        let mustWake = self.shared.state.withLock { state in
            guard !state.hasEnded else {
                state.refuse(ticks)
                return false
            }
            state.append(ticks, bufferBytesMax: self.shared.settings.bufferBytesMax)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { self.shared.signal.wake() }
    }

    /// The position after the last tick that is synced: readers see all ticks before it and none beyond.
    public func end(of stream: JournalStream) -> Int64 { self.shared.state.withLock { $0[stream].end } }

    /// What ``end(of:)`` was when the journal was opened.
    ///
    /// A position in PostgreSQL beyond it, found before anything of this opening was recorded, means that the journal is a
    /// copy older than the database: see ``renew()``.
    public func endAtOpening(of stream: JournalStream) -> Int64 {
        self.shared.state.withLock { $0[stream].endAtOpening }
    }

    /// Gives the journal a new id, because PostgreSQL knows more than it held when it was opened: it is a restored copy.
    ///
    /// What it held then has been recorded; what was appended since has numbers that PostgreSQL counts as done under the
    /// old id. So store, under the new id, the lesser of the old position and ``endAtOpening(of:)`` for each stream.
    ///
    /// - Returns: The new id, which is on disk.
    /// - Throws: ``JournalError/cannotOpen(path:reason:)``; then the old id stays.
    public func renew() throws(JournalError) -> String {
        let directory = self.shared.settings.directory
        guard !self.shared.state.withLock({ $0.hasEnded }) else {
            throw .cannotOpen(path: directory, reason: "this journal has been closed")
        }
        let id = JournalID.random()
        try JournalFolder(directory: directory, disk: self.shared.disk, logger: self.shared.logger).writeID(id)
        // Segments begun from now on carry it.
        self.shared.state.withLock { $0.id = id }
        self.shared.logger.notice(
            "The journal was older than the database and got a new id",
            metadata: ["journal.directory": "\(directory)", "journal.id": "\(id)"])
        return id
    }

    /// Says that ticks before `position` are not needed any more: segments that lie wholly before it are deleted.
    ///
    /// The newest segment stays: it carries the numbering.
    public func release(_ stream: JournalStream, before position: Int64) {
        let mustWake = self.shared.state.withLock { state in
            guard position > state[stream].released else { return false }
            state[stream].released = position
            let segments = state[stream].segments
            guard segments.count > 1, segments[0].end ?? segments[1].first <= state[stream].unneeded else {
                return false
            }
            defer { state.hasReleases = true }
            return !state.hasReleases
        }
        if mustWake { self.shared.signal.wake() }
    }

    /// The numbers that the next trade and the next quote get: everything that was appended lies before.
    public var next: JournalPlace {
        self.shared.state.withLock { JournalPlace(trades: $0.trades.queue.next, quotes: $0.quotes.queue.next) }
    }

    /// Says that ticks from `place` on are needed by another reader too: segments with some of them stay although
    /// ``release(_:before:)`` gave them up.
    ///
    /// Each call replaces the one before. Within the bound only: what has to be shed is shed.
    public func keep(from place: JournalPlace) {
        let mustWake = self.shared.state.withLock { state in
            for stream in JournalStream.allCases { state[stream].kept = place[stream] }
            let hasMore = JournalStream.allCases.contains { stream in
                let segments = state[stream].segments
                return segments.count > 1 && (segments[0].end ?? segments[1].first) <= state[stream].unneeded
            }
            guard hasMore else { return false }
            defer { state.hasReleases = true }
            return !state.hasReleases
        }
        if mustWake { self.shared.signal.wake() }
    }

    /// Makes a reader that begins at `position`, which may lie within a record.
    ///
    /// - Parameters:
    ///   - stream: What it reads.
    ///   - position: Where it begins.
    ///   - isSafe: Whether what it gives counts as safe; `false` for a reader that only looks.
    public func reader(of stream: JournalStream, from position: Int64, isSafe: Bool = true) -> JournalReader {
        JournalReader(self.shared, stream, position: position, isSafe: isSafe)
    }

    /// A stream that yields when ticks became readable; ends when the journal closes.
    ///
    /// Signals are coalesced: read until nothing is left, first once without a signal, then after each. Each call makes a
    /// stream of its own.
    public func signals() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let key = self.shared.state.withLock { state -> Int? in
            guard !state.hasEnded else { return nil }
            state.nextKey += 1
            state.signals[state.nextKey] = continuation
            return state.nextKey
        }
        guard let key else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [shared = self.shared] _ in
            shared.state.withLock { _ = $0.signals.removeValue(forKey: key) }
        }
        return stream
    }

    /// Waits until all that was appended before is synced, or given up for want of room.
    ///
    /// - Returns: `false` when it is neither: the disk refused it, the journal is closed, or the waiting task was cancelled.
    @discardableResult
    public func sync() async -> Bool {
        let key = self.shared.state.withLock { state in
            state.nextKey += 1
            return state.nextKey
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = self.shared.state.withLock { state -> Bool? in
                    let waiter = SyncWaiter(
                        key: key, trades: state.trades.queue.next, quotes: state.quotes.queue.next,
                        continuation: continuation)
                    if waiter.isSettled(in: state) { return true }
                    if state.hasEnded || Task.isCancelled { return false }
                    state.waiters.append(waiter)
                    return nil
                }
                if let answer {
                    continuation.resume(returning: answer)
                } else {
                    self.shared.signal.wake()
                }
            }
        } onCancel: {
            let waiter = self.shared.state.withLock { state in
                state.waiters.firstIndex { $0.key == key }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// Writes and syncs what waits, stops the thread and gives the lock back; blocks until then.
    ///
    /// What the disk does not take at the first attempt is lost, counted and logged. Done once; readers may go on reading.
    public func close() {
        self.shared.state.withLock { $0.isStopping = true }
        self.shared.signal.wake()
        self.thread.join()
        // The last reference closes the file, and with it the lock goes.
        self.lock.withLock { $0 = nil }
    }

    /// What has been done so far.
    public var counters: JournalCounters {
        self.shared.state.withLock { state in
            var counters = state.counters
            counters.pendingBytes = state.pendingBytes
            counters.lostTrades = state.trades.lost
            counters.lostQuotes = state.quotes.lost
            return counters
        }
    }
}
