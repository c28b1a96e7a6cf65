import Logging
import Synchronization

/// What the callers, the readers and the thread of a journal share.
final class JournalShared: Sendable {
    let settings: JournalSettings
    let timing: JournalTiming
    let disk: any JournalDisk
    let logger: Logger
    let signal: JournalSignal
    let state: Mutex<JournalState>

    init(
        settings: JournalSettings, timing: JournalTiming, disk: any JournalDisk, logger: Logger, signal: JournalSignal,
        state: JournalState
    ) {
        self.settings = settings
        self.timing = timing
        self.disk = disk
        self.logger = logger
        self.signal = signal
        self.state = Mutex(state)
    }

    /// What can be read of a stream now.
    func view(_ stream: JournalStream) -> StreamView {
        self.state.withLock { state in
            let part = state[stream]
            return StreamView(segments: part.segments, end: part.end, sheddings: part.sheddings)
        }
    }

    /// Says that a reader gives out what it read.
    ///
    /// - Parameters:
    ///   - batch: What it read.
    ///   - stream: From where.
    ///   - view: What it went by.
    ///   - isSafe: Whether what it gives out counts as safe.
    /// - Returns: `false` when segments were shed meanwhile. What was read counts as lost then, and must not be given out.
    func handOut(_ batch: JournalBatch, _ stream: JournalStream, _ view: StreamView, isSafe: Bool) -> Bool {
        self.state.withLock { state in
            guard state[stream].sheddings == view.sheddings else { return false }
            if isSafe { state[stream].handedOut = max(state[stream].handedOut, batch.end) }
            for loss in batch.lost where loss.reason == .damaged {
                // Other readers come by here too.
                let from = max(loss.first, state[stream].damageCountedTo)
                let end = loss.first + loss.count
                guard from < end else { continue }
                state.lose(end - from, stream)
                state[stream].damageCountedTo = end
            }
            return true
        }
    }
}
