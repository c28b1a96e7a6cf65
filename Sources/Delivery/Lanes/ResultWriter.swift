import Logging
import Store
import Synchronization

/// Writes down what became of deliveries, many in one statement: while one is being written, the next ones gather.
///
/// An outcome that is forgotten means a repeated delivery, so while the database is away it tries again until the leases
/// are over.
final class ResultWriter: Sendable {
    private struct State {
        var waiting: [(result: OutboxResult, continuation: CheckedContinuation<Void, Never>)] = []
        var isFinished = false
    }

    /// Results in one statement at most.
    private static let batchMax = 500
    private let queue: any DeliveryQueue
    private let clock: any Clock<Duration>
    private let patience: Duration
    private let logger: Logger
    private let state = Mutex(State())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(queue: any DeliveryQueue, clock: any Clock<Duration>, patience: Duration, logger: Logger) {
        self.queue = queue
        self.clock = clock
        self.patience = patience
        self.logger = logger
        (self.signals, self.signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Returns when the result is written, or cannot be.
    ///
    /// Those who wait bound what waits.
    func record(_ result: OutboxResult) async {
        await withCheckedContinuation { continuation in
            self.state.withLock { $0.waiting.append((result, continuation)) }
            self.signal.yield()
        }
    }

    /// Writes until ``finish()`` was called and nothing waits any more.
    func run() async {
        for await _ in self.signals { await self.writeAll() }
        await self.writeAll()
        // When cancelled: those who still come must not wait for ever.
        while !self.state.withLock({ $0.isFinished }) {
            await self.writeAll()
            await Task.yield()
        }
    }

    /// Nothing more will come.
    func finish() {
        self.state.withLock { $0.isFinished = true }
        self.signal.finish()
    }

    private func writeAll() async {
        while true {
            let batch = self.state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.batchMax))
                state.waiting.removeFirst(batch.count)
                return batch
            }
            if batch.isEmpty { return }
            await self.write(batch.map(\.result))
            for (_, continuation) in batch { continuation.resume() }
        }
    }

    private func write(_ results: [OutboxResult]) async {
        let attempts = max(1, Int(self.patience / .seconds(1)))
        for attempt in 1...attempts {
            do {
                try await self.queue.record(results)
                return
            } catch {
                if attempt == 1 || attempt == attempts || Task.isCancelled {
                    self.logger.warning(
                        "Outcome of deliveries not recorded",
                        metadata: ["count": "\(results.count)", "error": "\(error)"])
                }
                if Task.isCancelled { return }
                // A cancelled sleep makes the next try the last.
                try? await self.clock.sleep(for: .seconds(1))
            }
        }
    }
}
