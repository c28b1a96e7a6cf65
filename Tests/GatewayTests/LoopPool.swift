import NIOPosix
import Synchronization

/// Event loops for tests over real sockets, which are never shut down but used again.
///
/// Hummingbird lets go of a server in a task of its own, some time after the server has ended, and what is released there still
/// has a word for its event loop. Loops that have been shut down by then complain that nothing can be scheduled on them.
enum LoopPool {
    private static let idle = Mutex<[Int: [MultiThreadedEventLoopGroup]]>([:])

    /// Runs `body` with so many loops that nobody else uses meanwhile.
    static func withLoops(_ count: Int, _ body: (MultiThreadedEventLoopGroup) async throws -> Void) async throws {
        let group =
            self.idle.withLock { $0[count]?.popLast() } ?? MultiThreadedEventLoopGroup(numberOfThreads: count)
        defer { self.idle.withLock { $0[count, default: []].append(group) } }
        try await body(group)
    }
}
