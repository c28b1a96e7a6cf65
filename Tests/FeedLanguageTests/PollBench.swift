import Market
import Testing

@testable import FeedLanguage

/// A polled feed on a clock of its own: requests go out, a test answers them, time passes as fast as it is told.
struct PollBench {
    private(set) var session: PollSession
    let plan: PollPlan
    private let start = ContinuousClock().now
    private let startTime: Timestamp
    /// Since the start.
    private(set) var elapsed: Duration = .zero
    /// Requests that were not answered yet.
    private(set) var open: [PollRequest] = []
    /// When each request was sent.
    private(set) var sent: [(at: Duration, request: PollRequest)] = []
    private(set) var statuses: [PollStatus] = []
    private var timer: Duration?
    private var random: UInt64
    private let feed: Feed

    /// Makes a bench that has not started: `poll` is what stands under that key, `seed` the jitter, `time` the wall clock.
    init(
        _ poll: String, symbols: [String] = ["BTC-USD"], seed: UInt64 = 0,
        time: String = "2026-11-24T15:00:00Z"
    ) throws {
        self.feed = try Self.feed(poll)
        guard case .poll(let plan) = self.feed.transport else { throw BenchError.notPolled }
        self.plan = plan
        self.session = PollSession(plan: plan, symbols: try symbols.map { try Symbol($0) })
        self.random = seed
        self.startTime = try #require(Timestamp(iso8601: time))
    }

    private enum BenchError: Error { case notPolled }

    static func feed(_ poll: String) throws -> Feed {
        let lines = poll.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        let yaml = """
            feed: bench
            asset: auto
            connect:
              poll:
            \(lines)
            messages:
              - when: {fatal: {exists: true}}
                error: {message: fatal}
              - when: {error: {exists: true}}
                error: {message: error}
              - when: {"$": {type: array}}
                each: "."
                trade: {symbol: s, price: p, id: i, time: {from: t, unit: ms}}
              - when: {none: true}
                ignore: true
            """
        return try Feed.load(yaml: yaml, file: "bench.yaml")
    }

    var now: Moment {
        Moment(
            instant: self.start + self.elapsed,
            time: self.startTime.advanced(
                byNanoseconds: self.elapsed.components.seconds * 1_000_000_000
                    + self.elapsed.components.attoseconds / 1_000_000_000)
        )
    }

    var summary: PollState { self.session.summary(now: self.now) }
    /// The next instant at which the session wants to be called, since the start.
    var nextTimer: Duration? { self.timer }
    /// What would be sent.
    func exchange(_ request: PollRequest) -> HTTPExchange {
        self.plan.exchange(for: request, now: self.now.time, random: 0)
    }
    /// Requests sent since `mark`.
    func requests(since mark: Int) -> [PollRequest] { self.sent[mark...].map(\.request) }

    private mutating func nextRandom() -> UInt64 {
        self.random = self.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return self.random
    }

    private mutating func take(_ actions: [PollSession.Action]) {
        for action in actions {
            switch action {
            case .request(let request):
                self.open.append(request)
                self.sent.append((self.elapsed, request))
            case .armTimer(let instant): self.timer = instant - self.start
            case .report(let status): self.statuses.append(status)
            }
        }
    }

    mutating func begin() {
        let actions = self.session.start(now: self.now, random: self.nextRandom())
        self.take(actions)
    }

    /// Answers the oldest open request.
    ///
    /// - Returns: The ticks that are passed on.
    @discardableResult
    mutating func answer(
        _ status: Int = 200, body: String = "[]", headers: [String: String] = [:]
    ) throws -> [Tick] {
        let request = self.open.removeFirst()
        var answer = HTTPAnswer(
            status: status, headers: headers.map { Header(name: $0.key, value: $0.value) },
            receivedTime: self.now.time
        )
        var ticks: [Tick] = []
        var hint = PageHint()
        if !body.isEmpty {
            var decoder = FrameDecoder(feed: self.feed, symbols: request.symbols)
            let bytes = Array(body.utf8)
            bytes.withUnsafeBytes {
                answer.outcome = decoder.decode($0, receivedTime: self.now.time, into: &ticks)
            }
            hint = self.plan.hint(in: bytes)
        }
        let actions = self.session.answered(
            answer, hint: hint, to: request.id, ticks: &ticks, now: self.now, random: self.nextRandom())
        self.take(actions)
        return ticks
    }

    /// Answers the oldest open request with something that no rule of the bench can say.
    mutating func answer(outcome: FrameOutcome, status: Int = 200) {
        let request = self.open.removeFirst()
        let answer = HTTPAnswer(status: status, receivedTime: self.now.time, outcome: outcome)
        var ticks: [Tick] = []
        let actions = self.session.answered(
            answer, hint: PageHint(), to: request.id, ticks: &ticks, now: self.now, random: self.nextRandom())
        self.take(actions)
    }

    mutating func fail(_ reason: String = "no connection") {
        let request = self.open.removeFirst()
        let actions = self.session.failed(
            request.id, reason: reason, now: self.now, random: self.nextRandom())
        self.take(actions)
    }

    mutating func replaceSymbols(_ symbols: [String]) throws {
        let symbols = try symbols.map { try Symbol($0) }
        let actions = self.session.replaceSymbols(symbols, now: self.now, random: self.nextRandom())
        self.take(actions)
    }

    mutating func replacePlan(_ poll: String) throws {
        guard case .poll(let plan) = try Self.feed(poll).transport else { throw BenchError.notPolled }
        let actions = self.session.replacePlan(plan, now: self.now, random: self.nextRandom())
        self.take(actions)
    }

    mutating func stop() { self.take(self.session.stop()) }

    /// Lets time pass until the armed timer fires.
    mutating func wait() throws {
        let timer = try #require(self.timer)
        self.timer = nil
        self.elapsed = max(self.elapsed, timer)
        let actions = self.session.timerFired(now: self.now, random: self.nextRandom())
        self.take(actions)
    }

    /// Lets time pass, answering every request after `latency` with whatever `answer` does.
    mutating func run(
        until end: Duration, latency: Duration = .milliseconds(200),
        answer: (inout PollBench) throws -> Void = { try $0.answer() }
    ) throws {
        while self.elapsed < end {
            if !self.open.isEmpty {
                self.elapsed += latency
                try answer(&self)
            } else if let timer = self.timer, timer <= end {
                try self.wait()
            } else {
                self.elapsed = end
            }
        }
    }
}
