import Synchronization

/// Keeps a writer going: tells it in intervals that what waits is due, and when its task is cancelled gives it some time to
/// finish what it has.
struct WritingLoop: Sendable {
    let interval: Duration
    let stopTimeout: Duration
    let clock: any Clock<Duration>

    /// Runs `tasks` until one of them is done, or `stopTimeout` after the calling task was cancelled.
    ///
    /// - Parameters:
    ///   - tasks: The writer, and what it needs beside it.
    ///   - due: Called every `interval`.
    ///   - stop: Called when the calling task is cancelled: the writer shall finish what it has.
    ///   - abort: Called at the end: breaks off what still waits for the server.
    /// - Throws: What a task throws.
    func run(
        _ tasks: [@Sendable () async throws -> Void], due: @escaping @Sendable () -> Void,
        stop: @escaping @Sendable () -> Void, abort: @escaping @Sendable () -> Void
    ) async throws {
        let stopping = Stopping()
        // A task of its own, awaited here: a cancelled writer must still be able to finish what it has.
        let work = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in tasks { group.addTask { try await task() } }
                group.addTask { await self.keepTime(stopping, due) }
                defer {
                    // Aborted first: a server that does not answer must not hold up the end with a cancel request.
                    abort()
                    group.cancelAll()
                }
                // Either the writer is done, or its time is over.
                try await group.next()
            }
        }
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            stopping.flag.withLock { $0 = true }
            stop()
        }
        try result.get()
    }

    private final class Stopping: Sendable {
        let flag = Mutex(false)
    }

    private func keepTime(_ stopping: Stopping, _ due: @Sendable () -> Void) async {
        while !Task.isCancelled {
            // A cancelled sleep ends the loop.
            try? await self.clock.sleep(for: self.interval)
            if stopping.flag.withLock({ $0 }) { break }
            due()
        }
        // Cancelled when the writer is done before.
        try? await self.clock.sleep(for: self.stopTimeout)
    }
}
