import CCurl
import Synchronization

/// What the callers and the curl thread share: the multi handle's wake-up, and an inbox under a lock.
final class CurlShared: Sendable {
    struct Submission: Sendable {
        let id: UInt64
        let request: HTTPRequest
        let continuation: CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>
    }

    struct Work {
        var submissions: [Submission] = []
        var cancellations: [UInt64] = []
        var isStopping = false
    }

    private struct Inbox {
        var submissions: [Submission] = []
        var cancellations: [UInt64] = []
        var isSleeping = false
        var isStopping = false
        var hasStopped = false
        var nextID: UInt64 = 0
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    // SAFETY: only the curl thread uses the handle, except for curl_multi_wakeup, which libcurl allows from any thread;
    // it is freed in deinit, when neither the thread nor a caller holds this object.
    nonisolated(unsafe) let multi: UnsafeMutableRawPointer
    private let inbox = Mutex(Inbox())

    init?(connectionsMax: Int, connectionsPerHostMax: Int, streamsMax: Int = 100) {
        guard Self.isCurlReady, let multi = curl_multi_init() else { return nil }
        self.multi = multi
        let codes = [
            tw_multi_setopt_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX)),
            tw_multi_setopt_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connectionsMax),
            tw_multi_setopt_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, connectionsPerHostMax),
            tw_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, connectionsMax),
            tw_multi_setopt_long(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, streamsMax),
        ]
        guard codes.allSatisfy({ $0 == CURLM_OK }) else { return nil }
    }

    deinit { curl_multi_cleanup(self.multi) }

    /// libcurl's global set-up, once in a process.
    private static let isCurlReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// A number for a request that was not used before.
    func makeID() -> UInt64 {
        self.inbox.withLock { inbox in
            inbox.nextID += 1
            return inbox.nextID
        }
    }

    /// Hands a request to the thread, or ends it at once when the thread stops.
    func submit(_ submission: Submission) {
        let (isAccepted, mustWake) = self.inbox.withLock { inbox in
            guard !inbox.isStopping else { return (false, false) }
            inbox.submissions.append(submission)
            return (true, Self.endSleep(&inbox))
        }
        if !isAccepted { submission.continuation.resume(returning: .failure(.shutDown)) }
        if mustWake { curl_multi_wakeup(self.multi) }
    }

    /// Asks the thread to give a request up; nothing happens when it has ended.
    func cancel(_ id: UInt64) {
        let mustWake = self.inbox.withLock { inbox in
            inbox.cancellations.append(id)
            return Self.endSleep(&inbox)
        }
        if mustWake { curl_multi_wakeup(self.multi) }
    }

    /// Asks the thread to end.
    func requestStop() {
        let mustWake = self.inbox.withLock { inbox in
            inbox.isStopping = true
            return Self.endSleep(&inbox)
        }
        if mustWake { curl_multi_wakeup(self.multi) }
    }

    /// Returns when the thread has ended every transfer.
    func waitUntilStopped() async {
        await withCheckedContinuation { continuation in
            let hasStopped = self.inbox.withLock { inbox in
                if !inbox.hasStopped { inbox.stopWaiters.append(continuation) }
                return inbox.hasStopped
            }
            if hasStopped { continuation.resume() }
        }
    }

    /// Everything that waits for the thread.
    func take() -> Work {
        self.inbox.withLock { inbox in
            let work = Work(
                submissions: inbox.submissions, cancellations: inbox.cancellations, isStopping: inbox.isStopping)
            inbox.submissions.removeAll(keepingCapacity: true)
            inbox.cancellations.removeAll(keepingCapacity: true)
            return work
        }
    }

    /// False when something came in meanwhile.
    ///
    /// A wake-up between this and the poll ends that poll at once.
    func prepareToSleep() -> Bool {
        self.inbox.withLock { inbox in
            inbox.isSleeping = inbox.submissions.isEmpty && inbox.cancellations.isEmpty && !inbox.isStopping
            return inbox.isSleeping
        }
    }

    /// The thread's last act.
    func markStopped() {
        let waiters = self.inbox.withLock { inbox in
            inbox.isStopping = true
            inbox.hasStopped = true
            let waiters = inbox.stopWaiters
            inbox.stopWaiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private static func endSleep(_ inbox: inout Inbox) -> Bool {
        let wasSleeping = inbox.isSleeping
        inbox.isSleeping = false
        return wasSleeping
    }
}
