import Logging
import Synchronization
import Testing

@testable import Tickwire

@Suite("Records on their way to PostgreSQL")
struct WriteQueueTests {
    @Test("A write that is cancelled in the middle is made again by the last drain")
    func cancelled() async throws {
        let written = Mutex<[Int]>([])
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let isFirst = Atomic(true)
        let queue = WriteQueue<Int>(
            of: "numbers", waitingMax: 10, batchMax: 1, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { numbers in
            if isFirst.exchange(false, ordering: .relaxed) {
                begin.yield()
                try await Task.sleep(for: .seconds(3600))
            }
            written.withLock { $0 += numbers }
        }
        let running = Task { await queue.run() }
        queue.append([1, 2])
        var starts = begun.makeAsyncIterator()
        await starts.next()
        running.cancel()
        await running.value
        await queue.drain()
        #expect(written.withLock { $0 } == [1, 2])
    }
}
