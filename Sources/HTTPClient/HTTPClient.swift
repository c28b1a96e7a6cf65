import Glibc
import Synchronization

/// Sends HTTP requests with libcurl on a thread of its own, so that no task and no event loop ever blocks.
///
/// Speaks HTTP/2 where the host offers it and keeps connections open for the next request. Proxies are taken from the
/// environment as curl(1) does (`https_proxy`, `http_proxy`, `no_proxy`), and so are certificates (`CURL_CA_BUNDLE`,
/// `SSL_CERT_FILE`, `SSL_CERT_DIR`). A request ends in exactly one of an answer or an ``HTTPClientError``; cancelling the
/// task that waits ends it. Call ``shutdown()`` before the process ends: it joins the thread.
public final class HTTPClient: Sendable {
    private let shared: CurlShared?
    private let thread: Mutex<pthread_t?>
    private let startFailure: String?

    /// Starts the client's thread.
    ///
    /// - Parameters:
    ///   - version: Goes into the header `User-Agent: Tickwire/VERSION`.
    ///   - connectionsMax: Open connections altogether; further requests wait, within their time-out.
    ///   - connectionsPerHostMax: Open connections to one host.
    public convenience init(version: String = "dev", connectionsMax: Int = 256, connectionsPerHostMax: Int = 32) {
        self.init(
            settings: TransferSettings(userAgent: "Tickwire/\(version)"),
            shared: CurlShared(connectionsMax: connectionsMax, connectionsPerHostMax: connectionsPerHostMax))
    }

    /// Starts a client whose requests share one connection, which is opened only when `gate` allows it.
    convenience init(version: String, streamsMax: Int, gate: SocketGate) {
        self.init(
            settings: TransferSettings(userAgent: "Tickwire/\(version)", gate: gate),
            shared: CurlShared(connectionsMax: 1, connectionsPerHostMax: 1, streamsMax: streamsMax))
    }

    private init(settings: TransferSettings, shared: CurlShared?) {
        guard let shared else {
            self.shared = nil
            self.thread = Mutex(nil)
            self.startFailure = "libcurl refuses"
            return
        }
        let start = Unmanaged.passRetained(ThreadStart(shared: shared, settings: settings))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runCurlThread, start.toOpaque())
        if code == 0 {
            self.thread = Mutex(thread)
            self.startFailure = nil
        } else {
            start.release()
            self.thread = Mutex(nil)
            self.startFailure = "pthread_create gave error \(code)"
        }
        self.shared = shared
    }

    deinit {
        self.shared?.requestStop()
        self.join()
    }

    /// Sends a request and waits for its answer.
    ///
    /// - Returns: The answer, whatever its status.
    /// - Throws: ``HTTPClientError`` when there is none.
    public func execute(_ request: HTTPRequest) async throws(HTTPClientError) -> HTTPResponse {
        if let reason = self.startFailure { throw .cannotStart(reason: reason) }
        guard let shared = self.shared else { throw .shutDown }
        let id = shared.makeID()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                shared.submit(.init(id: id, request: request, continuation: continuation))
                // The handler may have run before the request was there to be cancelled.
                if Task.isCancelled { shared.cancel(id) }
            }
        } onCancel: {
            shared.cancel(id)
        }
        return try result.get()
    }

    /// Ends all requests with ``HTTPClientError/shutDown``, without waiting for the thread.
    func requestStop() { self.shared?.requestStop() }

    /// Ends all requests with ``HTTPClientError/shutDown``, closes the thread, and returns when it has been joined.
    public func shutdown() async {
        guard let shared = self.shared, self.startFailure == nil else { return }
        shared.requestStop()
        await shared.waitUntilStopped()
        self.join()
    }

    /// Waits for the thread, which has ended or is about to: it never waits for anything but libcurl.
    private func join() {
        let thread = self.thread.withLock { thread in
            let taken = thread
            thread = nil
            return taken
        }
        if let thread { pthread_join(thread, nil) }
    }
}

/// What the thread is started with.
private final class ThreadStart: Sendable {
    let shared: CurlShared
    let settings: TransferSettings

    init(shared: CurlShared, settings: TransferSettings) {
        self.shared = shared
        self.settings = settings
    }
}

private func runCurlThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
    CurlLoop(shared: start.shared, settings: start.settings).run()
    start.shared.markStopped()
    return nil
}
