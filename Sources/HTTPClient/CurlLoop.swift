import CCurl

/// The curl thread's own state: every call on the multi handle but the wake-up is made here.
final class CurlLoop {
    private static let idleHandlesMax = 64
    /// How long a poll may take, in milliseconds.
    ///
    /// On a shared connection libcurl sends what waits for the peer's stream limit only when it is looked
    /// after: with 200 ms this was the throughput, with 5 ms seven times as much.
    private static let sharedPoll: Int32 = 5

    private let shared: CurlShared
    private let settings: TransferSettings
    private var active: [UInt64: (transfer: Transfer, easy: UnsafeMutableRawPointer)] = [:]
    private var idOfHandle: [UnsafeMutableRawPointer: UInt64] = [:]
    private var idleHandles: [UnsafeMutableRawPointer] = []
    private var ended:
        [(CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>, Result<HTTPResponse, HTTPClientError>)] =
            []

    init(shared: CurlShared, settings: TransferSettings) {
        self.shared = shared
        self.settings = settings
    }

    deinit {
        for easy in self.idleHandles { curl_easy_cleanup(easy) }
    }

    /// Runs until the inbox says to stop; then every transfer has ended.
    func run() {
        while true {
            let work = self.shared.take()
            for submission in work.submissions { self.start(submission) }
            for id in work.cancellations { self.stop(id, .cancelled) }
            if work.isStopping { break }
            var running: Int32 = 0
            let code = curl_multi_perform(self.shared.multi, &running)
            if code != CURLM_OK { self.stopAll(.transferFailed(host: "any host", reason: Self.text(code))) }
            self.collect()
            self.resumeEnded()
            guard self.shared.prepareToSleep() else { continue }
            // libcurl shortens the wait by its own timers; without transfers only a wake-up matters.
            let pause: Int32 = self.active.isEmpty ? 60_000 : self.settings.gate == nil ? 1_000 : Self.sharedPoll
            _ = curl_multi_poll(self.shared.multi, nil, 0, pause, nil)
        }
        self.stopAll(.shutDown)
        self.resumeEnded()
    }

    private func start(_ submission: CurlShared.Submission) {
        let target: HTTPTarget
        do {
            target = try HTTPTarget(submission.request.url)
            try Self.check(submission.request)
        } catch {
            self.ended.append((submission.continuation, .failure(error)))
            return
        }
        guard let easy = self.idleHandles.popLast() ?? curl_easy_init() else {
            self.ended.append((submission.continuation, .failure(.invalidRequest("there is no memory for it"))))
            return
        }
        let transfer = Transfer(
            id: submission.id, request: submission.request, target: target, continuation: submission.continuation)
        var failure = transfer.configure(easy, settings: self.settings)
        if failure == nil {
            let code = curl_multi_add_handle(self.shared.multi, easy)
            if code != CURLM_OK { failure = .transferFailed(host: target.host, reason: Self.text(code)) }
        }
        if let failure {
            self.recycle(easy)
            self.ended.append((submission.continuation, .failure(failure)))
            return
        }
        self.active[submission.id] = (transfer, easy)
        self.idOfHandle[easy] = submission.id
    }

    private static func check(_ request: HTTPRequest) throws(HTTPClientError) {
        let isToken: (String) -> Bool = { text in
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        }
        guard isToken(request.method) else { throw .invalidRequest("'\(request.method)' is not a method") }
        for header in request.headers {
            guard isToken(header.name) else { throw .invalidRequest("'\(header.name)' is not a header's name") }
            guard !header.value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
                throw .invalidRequest("the header \(header.name) has a control character in its value")
            }
        }
    }

    private func collect() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(self.shared.multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let id = self.idOfHandle[easy], let entry = self.active[id]
            else { continue }
            let result = entry.transfer.result(message.pointee.data.result, easy: easy)
            self.end(id, result)
        }
    }

    private func stop(_ id: UInt64, _ error: HTTPClientError) {
        self.end(id, .failure(error))
    }

    private func stopAll(_ error: HTTPClientError) {
        for id in self.active.keys.sorted() { self.end(id, .failure(error)) }
    }

    /// Does nothing when the transfer has ended already.
    private func end(_ id: UInt64, _ result: Result<HTTPResponse, HTTPClientError>) {
        guard let entry = self.active.removeValue(forKey: id) else { return }
        self.idOfHandle[entry.easy] = nil
        // The handle was added to this multi handle, so removing it cannot fail.
        _ = curl_multi_remove_handle(self.shared.multi, entry.easy)
        self.recycle(entry.easy)
        self.ended.append((entry.transfer.continuation, result))
    }

    private func recycle(_ easy: UnsafeMutableRawPointer) {
        if self.idleHandles.count < Self.idleHandlesMax {
            curl_easy_reset(easy)
            self.idleHandles.append(easy)
        } else {
            curl_easy_cleanup(easy)
        }
    }

    private func resumeEnded() {
        for (continuation, result) in self.ended { continuation.resume(returning: result) }
        self.ended.removeAll(keepingCapacity: true)
    }

    private static func text(_ code: CURLMcode) -> String { String(cString: curl_multi_strerror(code)) }
}
