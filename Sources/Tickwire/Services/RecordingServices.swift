import ServiceLifecycle
import Store

/// Closes the journal when everything that writes to it has stopped.
struct JournalService: Service {
    let journal: Journal

    func run() async throws {
        try? await gracefulShutdown()  // Cancelled or told to stop: it ends the same way.
        self.journal.close()
    }
}

/// Runs the recorder until it is told to stop; then it writes what waits.
struct RecorderService: Service {
    let recorder: Recorder

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.recorder.run() }
    }
}

/// Runs the candle writer until it is told to stop; then it writes what waits.
struct CandleService: Service {
    let candles: CandleWriter

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.candles.run() }
    }
}

/// Looks after the partitions of ticks.
struct PartitionService: Service {
    let keeper: PartitionKeeper

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.keeper.run() }
    }
}
