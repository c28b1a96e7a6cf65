import DequeModule
import Logging
import Postgres
import Synchronization

/// Records on their way to PostgreSQL: in order, waiting in memory and bounded while it is away.
final class WriteQueue<Record: Sendable>: Sendable {
    private let what: String
    private let waitingMax: Int
    private let batchMax: Int
    private let logger: Logger
    private let write: @Sendable ([Record]) async throws -> Void
    private let waiting = Mutex<Deque<Record>>([])
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// Makes an empty queue.
    ///
    /// - Parameters:
    ///   - what: What the records are, for log messages.
    ///   - waitingMax: How many may wait; more are lost, and said to be.
    ///   - batchMax: How many are written at once.
    ///   - logger: Is told of what waits and what is lost.
    ///   - write: Writes records in one transaction; writing some again must change nothing.
    init(
        of what: String, waitingMax: Int, batchMax: Int, logger: Logger,
        write: @escaping @Sendable ([Record]) async throws -> Void
    ) {
        self.what = what
        self.waitingMax = waitingMax
        self.batchMax = batchMax
        self.logger = logger
        self.write = write
        (self.wakeUps, self.wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes records; any thread.
    func append(_ records: [Record]) {
        let lost = self.waiting.withLock { waiting in
            let room = max(0, self.waitingMax - waiting.count)
            waiting.append(contentsOf: records.prefix(room))
            return records.count - min(room, records.count)
        }
        if lost > 0 {
            self.logger.error(
                "Lost, because too many wait for PostgreSQL: \(self.what)", metadata: ["records": "\(lost)"])
        }
        self.wakeUp.yield()
    }

    /// Writes what comes until the task is cancelled.
    func run() async {
        var backOff = BackOff(first: .milliseconds(250), longest: .seconds(30))
        for await _ in self.wakeUps {
            while !Task.isCancelled, let batch = self.next() {
                do {
                    try await self.write(batch)
                    backOff.reset()
                } catch let error as PostgresError where error.isTransient {
                    self.waiting.withLock { $0.prepend(contentsOf: batch) }
                    self.logger.warning("Waiting for PostgreSQL: \(self.what)", metadata: ["error": "\(error)"])
                    do { try await Task.sleep(for: backOff.next()) } catch { return }
                } catch  where Task.isCancelled {
                    // Told to stop in the middle of it: written or not, writing it again changes nothing.
                    self.waiting.withLock { $0.prepend(contentsOf: batch) }
                } catch {
                    await self.writeSingly(batch, after: error)
                }
            }
        }
    }

    /// Writes what still waits, if PostgreSQL is there: for the last moments.
    func drain() async {
        while let batch = self.next() {
            do { try await self.write(batch) } catch {
                self.logger.error(
                    "Not written: \(self.what)", metadata: ["error": "\(error)", "records": "\(batch.count)"])
                return
            }
        }
    }

    /// One record that PostgreSQL refuses does not take the others of its batch with it.
    private func writeSingly(_ batch: [Record], after error: any Error) async {
        guard batch.count > 1 else {
            self.logger.error("Not written: \(self.what)", metadata: ["error": "\(error)", "record": "\(batch)"])
            return
        }
        for (index, record) in batch.enumerated() {
            do { try await self.write([record]) } catch  where Task.isCancelled {
                self.waiting.withLock { $0.prepend(contentsOf: batch[index...]) }
                return
            } catch let error as PostgresError where error.isTransient {
                self.waiting.withLock { $0.prepend(contentsOf: batch[index...]) }
                self.wakeUp.yield()
                return
            } catch {
                self.logger.error("Not written: \(self.what)", metadata: ["error": "\(error)", "record": "\(record)"])
            }
        }
    }

    private func next() -> [Record]? {
        self.waiting.withLock { waiting in
            guard !waiting.isEmpty else { return nil }
            let batch = Array(waiting.prefix(self.batchMax))
            waiting.removeFirst(batch.count)
            return batch
        }
    }
}
