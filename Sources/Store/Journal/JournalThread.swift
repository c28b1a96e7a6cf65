import Glibc
import Synchronization

/// The operating system's thread that a journal's loop runs on.
final class JournalThread: Sendable {
    /// What the thread is started with.
    private final class Start: Sendable {
        let shared: JournalShared
        let trades: OpenedStream
        let quotes: OpenedStream

        init(_ shared: JournalShared, _ trades: OpenedStream, _ quotes: OpenedStream) {
            self.shared = shared
            self.trades = trades
            self.quotes = quotes
        }

        func run() {
            let loop = JournalLoop(self.shared, trades: self.trades, quotes: self.quotes)
            loop.run()
        }
    }

    private let thread: Mutex<pthread_t?>

    /// Starts the loop.
    init(_ shared: JournalShared, trades: OpenedStream, quotes: OpenedStream) throws(JournalError) {
        let start = Unmanaged.passRetained(Start(shared, trades, quotes))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            },
            start.toOpaque()
        )
        guard code == 0 else {
            start.release()
            throw .cannotStart(reason: "pthread_create: \(String(cString: strerror(code)))")
        }
        self.thread = Mutex(thread)
    }

    /// Waits for the loop's end; the second caller does not wait.
    func join() {
        let thread = self.thread.withLock { thread in
            let taken = thread
            thread = nil
            return taken
        }
        if let thread { pthread_join(thread, nil) }
    }
}
