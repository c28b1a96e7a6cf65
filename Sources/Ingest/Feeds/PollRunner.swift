import FeedLanguage
import HTTPClient
import Market

/// Performs what a ``PollSession`` decides: sends its requests and decodes the answers by the same rules as a stream's
/// frames.
final class PollRunner: FeedRunner, Sendable {
    private enum Event: Sendable {
        case timer(Int)
        case answered(Int, HTTPResponse, Timestamp)
        case failed(Int, String)
        case symbols([Symbol])
        case feed(Feed)
        case stop
    }

    /// What one run has in hand.
    private struct Work {
        var feed: Feed
        var plan: PollPlan
        var session: PollSession
        /// The symbols of each request on its way.
        var asked: [Int: [Symbol]] = [:]
        /// Counts timers: only the last one armed counts.
        var timer = 0
        var armed: ContinuousClock.Instant?
        var isStopped = false
    }

    /// From the first look-up to the last byte of an answer.
    static let timeout = Duration.seconds(20)
    static let bodyMax = 16 << 20

    private let feed: Feed
    private let symbols: [Symbol]
    private let urlOverride: AddressOverride?
    private let client: HTTPClient
    private let monitor: ConnectionMonitor
    private let sink: @Sendable ([Tick]) -> Void
    private let clock = ContinuousClock()
    private let events: AsyncStream<Event>
    private let input: AsyncStream<Event>.Continuation

    init(
        feed: Feed, symbols: [Symbol], urlOverride: String?, client: HTTPClient, monitor: ConnectionMonitor,
        sink: @escaping @Sendable ([Tick]) -> Void
    ) {
        self.feed = feed
        self.symbols = symbols
        self.urlOverride = urlOverride.flatMap { AddressOverride($0) }
        self.client = client
        self.monitor = monitor
        self.sink = sink
        // Bounded by the requests on their way, one timer, and what an operator changes by hand.
        (self.events, self.input) = AsyncStream.makeStream(of: Event.self)
    }

    /// Asks for other symbols from now on.
    func replaceSymbols(_ symbols: [Symbol]) { self.input.yield(.symbols(symbols)) }

    /// Goes on by another version of the feed file; it must be a polled feed.
    func replaceFeed(_ feed: Feed) { self.input.yield(.feed(feed)) }

    /// Ends ``run()``.
    func stop() { self.input.yield(.stop) }

    /// Polls until stopped or cancelled; once only.
    func run() async {
        guard case .poll(let plan) = self.feed.transport else { return }
        await withDiscardingTaskGroup { group in
            var work = Work(
                feed: self.feed, plan: plan, session: PollSession(plan: plan, symbols: self.symbols))
            self.perform(work.session.start(now: self.now, random: Self.random), &work, &group)
            for await event in self.events {
                self.take(event, &work, &group)
                if work.isStopped { break }
            }
            group.cancelAll()
        }
    }

    // MARK: Inside the run

    private var now: Moment { Moment(instant: self.clock.now, time: .now) }
    private static var random: UInt64 { .random(in: 0 ... .max) }

    private func take(_ event: Event, _ work: inout Work, _ group: inout DiscardingTaskGroup) {
        let actions: [PollSession.Action]
        switch event {
        case .timer(let number):
            guard number == work.timer else { return }
            work.armed = nil
            actions = work.session.timerFired(now: self.now, random: Self.random)
        case .answered(let id, let response, let receivedTime):
            actions = self.answered(id, response, receivedTime, &work)
        case .failed(let id, let reason):
            work.asked[id] = nil
            self.monitor.failedToConnect(reason: work.feed.redacted(reason))
            actions = work.session.failed(id, reason: reason, now: self.now, random: Self.random)
        case .symbols(let symbols):
            actions = work.session.replaceSymbols(symbols, now: self.now, random: Self.random)
        case .feed(let feed):
            guard case .poll(let plan) = feed.transport else { return }
            work.feed = feed
            work.plan = plan
            work.asked = [:]
            actions = work.session.replacePlan(plan, now: self.now, random: Self.random)
        case .stop:
            work.isStopped = true
            actions = work.session.stop()
        }
        self.perform(actions, &work, &group)
    }

    private func answered(
        _ id: Int, _ response: HTTPResponse, _ receivedTime: Timestamp, _ work: inout Work
    ) -> [PollSession.Action] {
        guard let symbols = work.asked.removeValue(forKey: id) else { return [] }
        var answer = HTTPAnswer(
            status: response.status, headers: response.headers.map { Header(name: $0.name, value: $0.value) },
            receivedTime: receivedTime
        )
        var ticks: [Tick] = []
        var hint = PageHint()
        self.monitor.answered()
        if !response.body.isEmpty, response.status != 304 {
            // Errors have bodies too, in which the rules find the provider's own words.
            var decoder = FrameDecoder(feed: work.feed, symbols: symbols)
            response.body.withUnsafeBytes { bytes in
                let outcome = decoder.decode(bytes, receivedTime: receivedTime, into: &ticks)
                self.monitor.count(outcome, frame: bytes)
                answer.outcome = outcome
            }
            hint = work.plan.hint(in: response.body)
        }
        if !(200..<300).contains(response.status), response.status != 304 {
            self.monitor.failedToConnect(reason: "HTTP status \(response.status)")
        }
        let actions = work.session.answered(
            answer, hint: hint, to: id, ticks: &ticks, now: self.now, random: Self.random)
        if !ticks.isEmpty { self.sink(ticks) }
        return actions
    }

    private func perform(_ actions: [PollSession.Action], _ work: inout Work, _ group: inout DiscardingTaskGroup) {
        for action in actions {
            switch action {
            case .request(let request):
                work.asked[request.id] = request.symbols
                let exchange = work.plan.exchange(for: request, now: .now, random: Self.random)
                group.addTask { await self.send(exchange, id: request.id) }
            case .armTimer(let instant):
                guard instant != work.armed else { continue }
                work.timer += 1
                work.armed = instant
                let number = work.timer
                group.addTask {
                    // Only the end of the run cancels a timer; then nobody listens any more.
                    try? await self.clock.sleep(until: instant)
                    self.input.yield(.timer(number))
                }
            case .report: break
            }
        }
        self.monitor.polled(work.session.summary(now: self.now).mapTexts(work.feed.redacted))
    }

    private func send(_ exchange: HTTPExchange, id: Int) async {
        let url = self.address(exchange.url)
        do {
            let response = try await self.client.execute(
                HTTPRequest(
                    method: exchange.method, url: url,
                    headers: exchange.headers.map { HTTPHeader($0.name, $0.value) },
                    body: exchange.body.map { Array($0.utf8) },
                    timeout: Self.timeout, maxBodyBytes: Self.bodyMax
                )
            )
            let receivedTime = Timestamp.now
            if !response.body.isEmpty {
                self.monitor.saw(.answered(url: url, response.body), at: receivedTime)
            }
            self.input.yield(.answered(id, response, receivedTime))
        } catch {
            self.input.yield(.failed(id, "\(error)"))
        }
    }

    private func address(_ url: String) -> String { self.urlOverride.map { $0.main(url) } ?? url }
}
