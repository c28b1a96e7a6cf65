import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Wakes a thread that sleeps in `poll`: a byte in a pipe.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    /// `nil` when the process has no file descriptors left.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        self.readEnd = ends[0]
        self.writeEnd = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        _ = close(self.readEnd)
        _ = close(self.writeEnd)
    }

    /// Makes the read end readable; a full pipe is readable already.
    func wake() {
        var byte: UInt8 = 1
        _ = write(self.writeEnd, &byte, 1)
    }

    /// Empties the pipe.
    func drain() {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            while read(self.readEnd, buffer.baseAddress, 64) > 0 {}
        }
    }
}

/// What other threads tell a connection's thread: work to do, statements to cancel, when to end.
final class ConnectionControl: Sendable {
    /// One piece of work; it is told if the connection cannot do it.
    struct Job: Sendable {
        let id: UInt64
        let run: @Sendable (Result<PostgresSession, PostgresError>) -> Void
    }

    /// What the thread has to do next.
    enum Next {
        case run(Job, isCancelled: Bool)
        case wait
        case end
    }

    /// What interrupts a wait for the server.
    enum Interruption {
        case nothing
        case cancel
        case abort
    }

    private struct State {
        var jobs: [Job] = []
        var nextID: UInt64 = 0
        var currentID: UInt64?
        var cancelledIDs: Set<UInt64> = []
        var isClosing = false
        var isAborted = false
        var isEnded = false
    }

    private let state = Mutex(State())
    let pipe: WakePipe

    init(pipe: WakePipe) { self.pipe = pipe }

    /// Reserves a number under which a job can be cancelled, even before it is queued.
    func reserveID() -> UInt64 {
        self.state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    /// Queues a job; one that comes too late is told so at once.
    func enqueue(_ job: Job) {
        let isAccepted = self.state.withLock { state in
            if state.isClosing || state.isEnded { return false }
            state.jobs.append(job)
            return true
        }
        if isAccepted { self.pipe.wake() } else { job.run(.failure(.closed)) }
    }

    /// Asks for the job's statement to be cancelled; does nothing once the job is done.
    func cancel(_ id: UInt64) {
        self.state.withLock { state in _ = state.cancelledIDs.insert(id) }
        self.pipe.wake()
    }

    /// The job's caller is gone: a request to cancel that came too late is forgotten.
    func forget(_ id: UInt64) { self.state.withLock { state in _ = state.cancelledIDs.remove(id) } }

    /// Lets the thread end after the queued jobs.
    func close() {
        self.state.withLock { $0.isClosing = true }
        self.pipe.wake()
    }

    /// Makes the thread give up at once whatever it is waiting for.
    func abort() {
        self.state.withLock { state in
            state.isClosing = true
            state.isAborted = true
        }
        self.pipe.wake()
    }

    /// Takes the next job, for the connection's thread.
    func next() -> Next {
        self.state.withLock { state in
            state.currentID = nil
            guard !state.jobs.isEmpty else { return state.isClosing ? .end : .wait }
            let job = state.jobs.removeFirst()
            state.currentID = job.id
            return .run(job, isCancelled: state.cancelledIDs.contains(job.id))
        }
    }

    /// Whether the wait that the connection's thread is in has to end.
    func interruption() -> Interruption {
        self.state.withLock { state in
            if state.isAborted { return .abort }
            if let id = state.currentID, state.cancelledIDs.remove(id) != nil { return .cancel }
            return .nothing
        }
    }

    /// The thread is leaving: returns the jobs that nobody will do.
    func end() -> [Job] {
        self.state.withLock { state in
            state.isEnded = true
            defer { state.jobs = [] }
            return state.jobs
        }
    }
}

/// Starts a detached thread that runs `body`.
///
/// - Returns: `false` when the system has no thread left.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = Unmanaged.passRetained(Box(body))
    #if canImport(Glibc)
        var thread = pthread_t()
    #else
        var thread: pthread_t?
    #endif
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let status = pthread_create(
        &thread, &attributes,
        { context in
            if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
            return nil
        },
        box.toOpaque()
    )
    if status != 0 { box.release() }
    return status == 0
}
