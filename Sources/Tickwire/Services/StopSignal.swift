import Dispatch
import Foundation

/// SIGINT and SIGTERM outside of a service group.
public enum StopSignal {
    /// Returns when the process is asked to stop, or the task is cancelled.
    public static func wait() async {
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield() }
            source.resume()
            return source
        }
        for await _ in signals { break }
        for source in sources { source.cancel() }
    }

    /// Runs `body`, and cancels it when the process is asked to stop, so that it can undo what it began.
    ///
    /// - Parameter body: Answers cancellation by throwing, after it has cleaned up.
    /// - Returns: What `body` returns; `nil` when it was cancelled by a signal.
    /// - Throws: What `body` throws.
    static func cancelling<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await self.wait()
                return nil
            }
            do {
                // The signal comes first: the body is cancelled, and what it had opened by then is in its hands.
                guard let first = try await group.next(), let result = first else {
                    group.cancelAll()
                    while let rest = try await group.next() { if let late = rest { return late } }
                    return nil
                }
                group.cancelAll()
                return result
            } catch is CancellationError {
                return nil
            }
        }
    }
}
