import FeedLanguage
import HTTPClient
import Market

/// Asks a polled feed again and again; answers go through the same decoder as a stream's frames.
struct PollRunner: Sendable {
    /// The longest pause after failures: ten minutes, for providers that count every request.
    private static let pauseMax = Duration.seconds(600)

    let feed: Feed
    let plan: PollPlan
    let symbols: [Symbol]
    /// Asked instead of the file's address; the query stays.
    let urlOverride: String?
    let client: HTTPClient
    let monitor: FeedMonitor
    let sink: @Sendable ([Tick]) -> Void

    /// Polls until cancelled.
    func run() async {
        var failures = 0
        while !Task.isCancelled {
            var retryAfter: Duration?
            var hasFailed = false
            let requests = self.plan.requests(for: self.symbols, now: .now, random: .random(in: 0 ... .max))
            if requests.isEmpty { return }
            for request in requests {
                switch await self.poll(request) {
                case .success: break
                case .failure(let pause):
                    hasFailed = true
                    retryAfter = pause ?? retryAfter
                }
            }
            failures = hasFailed ? failures + 1 : 0
            let backOff = self.plan.interval * (1 << min(failures, 6))
            let pause = max(retryAfter ?? .zero, min(backOff, max(Self.pauseMax, self.plan.interval)))
            do { try await Task.sleep(for: pause * Double.random(in: 1...1.1)) } catch { return }
        }
    }

    private enum Outcome {
        case success
        case failure(retryAfter: Duration?)
    }

    private func address(of request: PollPlan.Request) -> String {
        guard let urlOverride else { return request.url }
        return urlOverride + request.url[(request.url.firstIndex(of: "?") ?? request.url.endIndex)...]
    }

    private func poll(_ request: PollPlan.Request) async -> Outcome {
        let headers = request.headers.map { HTTPHeader($0.name, $0.value) }
        do {
            let response = try await self.client.execute(
                HTTPRequest(
                    url: self.address(of: request), headers: headers, timeout: .seconds(20), maxBodyBytes: 16 << 20)
            )
            guard response.status == 200 else {
                self.monitor.failedToConnect(reason: "HTTP status \(response.status)")
                let seconds = response.header("retry-after").flatMap { Int($0) }
                return .failure(retryAfter: seconds.map { .seconds(min($0, 3600)) })
            }
            self.monitor.answered()
            var decoder = FrameDecoder(feed: self.feed, symbols: request.symbols)
            var ticks: [Tick] = []
            let receivedTime = Timestamp.now
            response.body.withUnsafeBytes { bytes in
                let outcome = decoder.decode(bytes, receivedTime: receivedTime, into: &ticks)
                self.monitor.count(outcome, frame: bytes)
            }
            if !ticks.isEmpty { self.sink(ticks) }
            return .success
        } catch {
            if !Task.isCancelled { self.monitor.failedToConnect(reason: "\(error)") }
            return .failure(retryAfter: nil)
        }
    }
}
