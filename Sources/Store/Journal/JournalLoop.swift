import Logging
import Synchronization

/// The journal's thread: writes what the callers appended, syncs it, and keeps within the bound.
final class JournalLoop {
    /// So much is taken from the queue at a time: it is safe from being given up while the disk takes it.
    private static let takenBytesMax = 4 << 20
    /// So much unsynced calls for a sync at once, because it is kept in memory until then.
    private static let unsyncedBytesMax = 16 << 20

    private let shared: JournalShared
    private let clock = ContinuousClock()
    private var trades: SegmentChain
    private var quotes: SegmentChain
    private var alarm: DiskAlarm
    private var nextWrite: ContinuousClock.Instant
    private var nextSync: ContinuousClock.Instant
    private var nextLossReport: ContinuousClock.Instant
    /// The number of the first tick of the record that is being written.
    private var writing: Int64?
    /// The disk refused something: until then it is left alone.
    private var retryAt: ContinuousClock.Instant?

    init(_ shared: JournalShared, trades: OpenedStream, quotes: OpenedStream) {
        self.shared = shared
        let directory = shared.settings.directory
        self.trades = SegmentChain(trades, directory: directory, disk: shared.disk)
        self.quotes = SegmentChain(quotes, directory: directory, disk: shared.disk)
        self.alarm = DiskAlarm(bytesMax: shared.settings.bytesMax, hold: shared.timing.alarmHold)
        self.nextWrite = self.clock.now
        self.nextSync = self.nextWrite
        self.nextLossReport = self.nextWrite
    }

    /// Runs until the journal is closed.
    func run() {
        while true {
            let (isStopping, hasReleases, isHurried, hasPending) = self.shared.state.withLock { state in
                defer { state.hasReleases = false }
                return (state.isStopping, state.hasReleases, !state.waiters.isEmpty, state.hasPending)
            }
            if hasReleases { self.deleteReleased() }
            if isStopping { break }
            let now = self.clock.now
            if self.retryAt.map({ $0 <= now }) ?? true {
                self.retryAt = nil
                if hasPending, isHurried || self.nextWrite <= now { self.write() }
                if self.isDirty, self.retryAt == nil, isHurried || self.mustSync || self.nextSync <= self.clock.now {
                    self.sync()
                }
            }
            self.settle()
            self.sleep()
        }
        self.finish()
    }

    private subscript(stream: JournalStream) -> SegmentChain {
        get { stream == .trades ? self.trades : self.quotes }
        _modify {
            switch stream {
            case .trades: yield &self.trades
            case .quotes: yield &self.quotes
            }
        }
    }

    private var bytes: Int64 { self.trades.bytes + self.quotes.bytes }
    private var isDirty: Bool { self.trades.isDirty || self.quotes.isDirty }
    private var mustSync: Bool {
        let unsynced = self.trades.unsynced.reduce(0) { $0 + $1.bytes.count }
        return self.quotes.unsynced.reduce(unsynced) { $0 + $1.bytes.count } >= Self.unsyncedBytesMax
    }

    // MARK: Writing

    /// Writes all that waits, as far as the disk takes it and memory holds what is not synced.
    private func write() {
        self.nextWrite = self.clock.now.advanced(by: self.shared.settings.writeInterval)
        for stream in JournalStream.allCases {
            while !self.mustSync {
                let records = self.shared.state.withLock { state in
                    let records = state[stream].queue.take(bytesMax: Self.takenBytesMax)
                    state[stream].inHand = self[stream].unsynced.first?.first ?? records.first?.first
                    state.inHandBytes += records.reduce(0) { $0 + $1.bytes.count }
                    return records
                }
                if records.isEmpty { break }
                for (index, var record) in records.enumerated() {
                    record.seal()
                    self.writing = record.first
                    defer { self.writing = nil }
                    do {
                        try self.write(record, stream)
                    } catch {
                        self.fail(error, putBack: Array(records[index...]), stream)
                        return
                    }
                }
            }
        }
    }

    private func write(_ record: JournalRecord, _ stream: JournalStream) throws(DiskError) {
        let segmentBytesMax = self.shared.settings.segmentBytesMax
        let id = self.shared.state.withLock { $0.id }
        if self[stream].isDirty, self[stream].beginsSegment(record, segmentBytesMax: segmentBytesMax, id: id) {
            try self.sync(stream)
        }
        while true {
            let needed = self[stream].bytesNeeded(for: record, segmentBytesMax: segmentBytesMax, id: id)
            while self.bytes + needed > self.shared.settings.bytesMax {
                guard try self.shed() else { throw DiskError(call: "write", code: DiskError.noRoom) }
            }
            do {
                return try self[stream].write(record, segmentBytesMax: segmentBytesMax, id: id)
            } catch {
                self.note(error)
                guard error.isLackOfRoom, try self.shed() else { throw error }
            }
        }
    }

    private func sync() {
        self.nextSync = self.clock.now.advanced(by: self.shared.settings.syncInterval)
        for stream in JournalStream.allCases where self[stream].isDirty {
            do {
                try self.sync(stream)
            } catch {
                self.fail(error, putBack: [], stream)
                // When this fails too, the next attempt says so.
                if error.isLackOfRoom { _ = try? self.shed() }
            }
        }
    }

    private func sync(_ stream: JournalStream) throws(DiskError) {
        let bytes = self[stream].unsynced.reduce(0) { $0 + $1.bytes.count }
        let ticks = try self[stream].sync()
        let signals = self.shared.state.withLock { state in
            state.counters.written += ticks
            state.counters.syncs += 1
            state.counters.lastError = nil
            state.inHandBytes -= bytes
            state[stream].inHand = self.writing
            state[stream].end = self[stream].end
            state[stream].segments = self[stream].segments
            return ticks > 0 ? Array(state.signals.values) : []
        }
        for signal in signals { signal.yield() }
    }

    /// The disk refused something: puts records back that are not on it, and leaves it alone for a while.
    private func fail(_ error: DiskError, putBack records: [JournalRecord], _ stream: JournalStream) {
        self.note(error)
        self.retryAt = self.clock.now.advanced(by: self.shared.timing.retry)
        let abandoned = self[stream].mustAbandon ? self[stream].abandon() : []
        let waiters = self.shared.state.withLock { state in
            let all = abandoned + records
            state[stream].queue.putBack(all)
            state.keepWithin(bufferBytesMax: self.shared.settings.bufferBytesMax)
            state[stream].inHand = self[stream].unsynced.first?.first
            state[stream].segments = self[stream].segments
            state.inHandBytes -= all.reduce(0) { $0 + $1.bytes.count }
            return state.takeWaiters(all: true)
        }
        for (waiter, isSynced) in waiters { waiter.continuation.resume(returning: isSynced) }
    }

    private func note(_ error: DiskError) {
        self.alarm.refused(now: self.clock.now)
        self.shared.state.withLock { state in
            state.counters.lastError = error.description
            state.counters.isAlarmed = true
        }
    }

    // MARK: Making room

    /// Gives up the oldest segment of quotes, or of trades when only the one of quotes is left that is written to.
    ///
    /// - Returns: `false` when there is nothing that can be given up.
    /// - Throws: ``DiskError`` when the file cannot be deleted.
    private func shed() throws(DiskError) -> Bool {
        // What is recorded, and only kept for who evaluates again after a death, goes before anything is lost.
        if try self.giveUpRecorded() { return true }
        let stream: JournalStream = self.quotes.segments.count > 1 ? .quotes : .trades
        guard let (segment, next) = self[stream].takeOldest() else { return false }
        self.shared.state.withLock { state in
            let kept = max(state[stream].released, state[stream].handedOut)
            state.lose(segment.count(from: kept, next: next), stream)
            state[stream].sheddings += 1
            state[stream].segments = self[stream].segments
        }
        // Emptied first: a reader that has it open would keep its room.
        if let file = try? self.shared.disk.open(segment.path, isWritable: true) {
            try? self.shared.disk.truncate(file, to: 0)
            self.shared.disk.close(file)
        }
        try self.shared.disk.remove(segment.path)
        try self.shared.disk.syncDirectory(self.shared.settings.directory)
        return true
    }

    /// Deletes what PostgreSQL has, whoever else may want to read it again.
    ///
    /// - Returns: Whether there was anything.
    /// - Throws: ``DiskError`` when a file cannot be deleted.
    private func giveUpRecorded() throws(DiskError) -> Bool {
        var deleted: [SegmentInfo] = []
        for stream in JournalStream.allCases {
            self.shared.state.withLock { state in
                deleted += self[stream].take(before: state[stream].released)
                state[stream].segments = self[stream].segments
            }
        }
        if deleted.isEmpty { return false }
        for segment in deleted { try self.shared.disk.remove(segment.path) }
        try self.shared.disk.syncDirectory(self.shared.settings.directory)
        return true
    }

    /// Deletes the segments that nobody needs any more.
    private func deleteReleased() {
        var deleted: [SegmentInfo] = []
        for stream in JournalStream.allCases {
            self.shared.state.withLock { state in
                deleted += self[stream].take(before: state[stream].unneeded)
                state[stream].segments = self[stream].segments
            }
        }
        guard !deleted.isEmpty else { return }
        do {
            for segment in deleted { try self.shared.disk.remove(segment.path) }
            try self.shared.disk.syncDirectory(self.shared.settings.directory)
        } catch {
            // Found again when the journal is next opened.
            self.shared.logger.warning(
                "A recorded segment of the journal could not be deleted", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Keeping time

    /// Publishes what the thread knows, ends waits, and reports.
    private func settle() {
        let now = self.clock.now
        let bytes = self.bytes
        for change in self.alarm.update(bytes: bytes, now: now) { self.log(change, bytes: bytes) }
        let isLossReportDue = now >= self.nextLossReport
        let (waiters, lost, lastError) = self.shared.state.withLock { state in
            state.counters.bytesOnDisk = bytes
            state.counters.segments = self.trades.segments.count + self.quotes.segments.count
            state.counters.isAlarmed = self.alarm.isRaised
            var lost: Int64 = 0
            if isLossReportDue { swap(&lost, &state.unloggedLost) }
            return (state.takeWaiters(all: false), lost, state.counters.lastError)
        }
        for (waiter, isSynced) in waiters { waiter.continuation.resume(returning: isSynced) }
        guard lost > 0 else { return }
        self.nextLossReport = now.advanced(by: .seconds(1))
        self.shared.logger.error(
            "The journal lost ticks, for want of room or by damage",
            metadata: ["ticks": "\(lost)", "journal.bytes": "\(bytes)", "error": "\(lastError ?? "none")"])
    }

    private func log(_ change: DiskAlarm.Change, bytes: Int64) {
        let settings = self.shared.settings
        let metadata: Logger.Metadata = [
            "journal.directory": "\(settings.directory)", "journal.bytes": "\(bytes)",
            "journal.bytes.max": "\(settings.bytesMax)",
        ]
        switch change {
        case .nearlyFull:
            self.shared.logger.error(
                "The journal is at 80 % of its bound: bring PostgreSQL back or raise the bound, or the oldest quotes are given up next",
                metadata: metadata)
        case .roomAgain:
            self.shared.logger.notice("The journal is below 60 % of its bound again", metadata: metadata)
        case .refused:
            let error = self.shared.state.withLock { $0.counters.lastError } ?? "none"
            self.shared.logger.error(
                "The journal's disk refuses writes: make room on it or repair it, or ticks are given up",
                metadata: metadata.merging(["error": "\(error)"]) { $1 })
        case .acceptedAgain:
            self.shared.logger.notice("The journal's disk takes writes again", metadata: metadata)
        }
    }

    private func sleep() {
        let isDirty = self.isDirty
        var deadlines = [self.alarm.nextUpdate, self.retryAt].compactMap(\.self)
        if self.retryAt == nil, isDirty { deadlines.append(self.nextSync) }
        let isDue = self.shared.state.withLock { state in
            state.isAsleep = false
            if state.isStopping || state.hasReleases { return true }
            if state.unloggedLost > 0 { deadlines.append(self.nextLossReport) }
            guard self.retryAt == nil else { return false }
            if !state.waiters.isEmpty { return true }
            if state.hasPending { deadlines.append(self.nextWrite) } else { state.isAsleep = true }
            return false
        }
        if isDue { return }
        self.shared.signal.wait(deadlines.min().map { $0 - self.clock.now })
    }

    // MARK: The end

    /// Writes and syncs what waits, as far as the disk takes it.
    private func finish() {
        self.retryAt = nil
        while self.retryAt == nil, self.isDirty || self.shared.state.withLock({ $0.hasPending }) {
            self.write()
            self.sync()
        }
        self.markGivenUpEnd()
        for stream in JournalStream.allCases { self[stream].closeFile() }
        let (lost, waiters, signals) = self.shared.state.withLock { state in
            var lost: Int64 = 0
            for stream in JournalStream.allCases {
                while !state[stream].queue.isEmpty {
                    let count = state[stream].queue.dropOldest()
                    state.lose(count, stream)
                    lost += count
                }
            }
            state.inHandBytes = 0
            state.hasEnded = true
            defer { state.signals = [:] }
            let waiters = state.takeWaiters(all: true)
            return (lost, waiters, Array(state.signals.values))
        }
        for (waiter, isSynced) in waiters { waiter.continuation.resume(returning: isSynced) }
        for signal in signals { signal.finish() }
        self.settle()
        if lost > 0 {
            self.shared.logger.error(
                "The journal was closed with ticks that its disk did not take", metadata: ["ticks": "\(lost)"])
        }
    }

    /// When the last ticks of a stream were given up, leaves a segment behind them, so that their numbers are not given again.
    private func markGivenUpEnd() {
        for stream in JournalStream.allCases where self.retryAt == nil {
            let (next, id) = self.shared.state.withLock { ($0[stream].queue.next, $0.id) }
            guard next > self[stream].end else { continue }
            do {
                try self[stream].beginSegment(first: next, id: id)
                try self.sync(stream)
            } catch {
                self.note(error)
            }
        }
    }
}
