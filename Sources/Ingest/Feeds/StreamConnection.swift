import FeedLanguage
import Market
import NIOCore
import NIOSSL

/// What the connections of one ``StreamRunner`` have in common.
struct StreamSurroundings: Sendable {
    let eventLoop: any EventLoop
    let tls: NIOSSLContext
    let monitor: ConnectionMonitor
    let gate: ConnectionGate
    /// Where the venue's servers are in place of the file's addresses.
    let override: AddressOverride?
    let sink: @Sendable ([Tick]) -> Void
}

/// Performs what one ``FeedSession`` decides: asks, connects, sends, decodes frames where they are read.
///
/// SAFETY: made on any thread, and from `start` on touched on the event loop only.
final class StreamConnection: @unchecked Sendable {
    /// What its runner has to know.
    enum Event {
        case request(HTTPExchange, id: Int)
        case report(FeedSession.Status)
        case symbolsChanged
        case trading([TradingStatus])
        case gap(from: Int64, to: Int64, since: Timestamp?, time: Timestamp)
        case lost(time: Timestamp, isStall: Bool, reason: String)
        case established
        case openSuccessor
        case handOver
    }

    private let surroundings: StreamSurroundings
    private let tell: (StreamConnection, Event) -> Void
    private let clock = ContinuousClock()
    private var random = SplitMix64(seed: .random(in: 0 ... .max))
    private let feed: Feed
    private var session: FeedSession
    private var decoder: FrameDecoder
    private let matcher: FrameMatcher
    private var client: WebSocketClient?
    private var timer: Scheduled<Void>?
    private var ticks: [Tick] = []
    /// The address as it may be shown.
    private var address = ""
    private var lastFrameTime: Timestamp?
    /// Counts sockets, so that a late word from an old one is not taken for the present one's.
    private var generation = 0
    private var isStalled = false
    private var isEnded = false
    /// What was last reported.
    private(set) var status = FeedSession.Status.connecting
    /// Whether all that it carries is subscribed.
    private(set) var isEstablished = false

    init(
        feed: Feed, symbols: [Symbol], _ surroundings: StreamSurroundings,
        tell: @escaping (StreamConnection, Event) -> Void
    ) {
        self.feed = feed
        self.session = FeedSession(feed: feed, symbols: symbols)
        self.decoder = FrameDecoder(feed: feed, symbols: symbols)
        self.matcher = FrameMatcher(feed: feed)
        self.surroundings = surroundings
        self.tell = tell
    }

    /// What the connection carries.
    var symbols: [Symbol] { self.session.symbols }
    /// What the venue has said about it.
    var symbolStates: [Symbol: SymbolState] { self.session.symbolStates }

    func start() { self.perform(self.session.start(at: self.now())) }

    /// Says good-bye; nothing is told any more.
    func end() {
        guard !self.isEnded else { return }
        self.isEnded = true
        self.timer?.cancel()
        // Its only actions are to close and to report: the one is done politely here, the other is the runner's.
        _ = self.session.stop()
        self.flush()
        if let client = self.client {
            self.client = nil
            client.close()
            self.surroundings.monitor.ended()
        }
    }

    func replaceSymbols(_ symbols: [Symbol]) {
        self.flush()
        self.decoder.setSymbols(symbols)
        self.perform(self.session.replaceSymbols(symbols, at: self.now()))
    }

    /// Reads frames by other rules from now on; what is sent stays as it was.
    func replaceDecoder(_ feed: Feed) {
        self.flush()
        self.decoder = FrameDecoder(feed: feed, symbols: self.session.symbols)
    }

    /// A request was answered, or not.
    func answered(_ result: Result<BootstrapAnswer, RequestFailure>, url: String, id: Int) {
        guard !self.isEnded else { return }
        switch result {
        case .success(let answer):
            let actions = self.session.answered(answer, id: id, at: self.now())
            if self.surroundings.monitor.isTapped {
                // Now that the session has read its tokens it can leave them out.
                let body = self.session.redacted(String(decoding: answer.body, as: UTF8.self))
                self.surroundings.monitor.saw(
                    .answered(url: self.session.redacted(url), Array(body.utf8)), at: .now)
            }
            self.perform(actions)
        case .failure(let failure): self.perform(self.session.requestFailed(failure.reason, id: id, at: self.now()))
        }
        if case .waiting(_, _, let reason) = self.status { self.failedToConnect(reason) }
        if case .failed(let reason, _) = self.status { self.failedToConnect(reason) }
    }

    func successorRefused() { self.perform(self.session.successorRefused(at: self.now())) }

    // MARK: Actions

    private func now() -> Moment {
        Moment(instant: self.clock.now, time: .now, random: self.random.next())
    }

    private func perform(_ actions: [FeedSession.Action]) {
        for action in actions where !self.isEnded {
            switch action {
            case .request(let exchange, let id): self.tell(self, .request(self.moved(exchange), id: id))
            case .connect(let url, let headers): self.connectInTurn(url, headers)
            case .send(let text):
                self.client?.send(text: text)
                self.surroundings.monitor.saw(
                    .sent(url: self.address, Array(self.session.redacted(text).utf8)), at: .now)
            case .sendPing: self.client?.sendPing()
            case .armTimer(let deadline): self.arm(deadline)
            case .disconnect: self.client?.cut()
            case .report(let status):
                self.status = status
                if case .stalled = status { self.isStalled = true }
                self.tell(self, .report(status))
            case .symbolsChanged: self.tell(self, .symbolsChanged)
            case .gap(let from, let to):
                self.flush()
                self.tell(self, .gap(from: from, to: to, since: self.lastFrameTime, time: .now))
            case .established:
                self.isEstablished = true
                self.tell(self, .established)
            case .openSuccessor: self.tell(self, .openSuccessor)
            case .handOver: self.tell(self, .handOver)
            }
        }
    }

    private func moved(_ exchange: HTTPExchange) -> HTTPExchange {
        guard let override = self.surroundings.override else { return exchange }
        var exchange = exchange
        exchange.url = override.request(exchange.url)
        return exchange
    }

    private func arm(_ deadline: ContinuousClock.Instant) {
        self.timer?.cancel()
        let delay = self.clock.now.duration(to: deadline)
        self.timer = self.surroundings.eventLoop.scheduleTask(in: delay > .zero ? TimeAmount(delay) : .zero) {
            guard !self.isEnded else { return }
            self.perform(self.session.timerFired(at: self.now()))
        }
    }

    // MARK: The socket

    /// Connects as soon as the feed's connections together may.
    private func connectInTurn(_ url: String, _ headers: [Header]) {
        self.generation += 1
        let generation = self.generation
        let now = self.clock.now
        let turn = self.surroundings.gate.reserve(now: now)
        guard turn > now else { return self.connect(url, headers, generation) }
        self.surroundings.eventLoop.scheduleTask(in: TimeAmount(now.duration(to: turn))) {
            guard generation == self.generation, !self.isEnded else { return }
            self.connect(url, headers, generation)
        }
        self.perform(self.session.postponed(until: turn))
    }

    private func connect(_ text: String, _ headers: [Header], _ generation: Int) {
        let target = self.surroundings.override?.main(text) ?? text
        self.address = self.session.redacted(target)
        self.isStalled = false
        self.isEstablished = false
        self.decoder.reset()
        let url: WebSocketURL
        do {
            url = try WebSocketURL(target)
        } catch {
            return self.closed("\(error)", generation)
        }
        WebSocketClient.connect(
            to: url, on: self.surroundings.eventLoop, tls: self.surroundings.tls,
            headers: headers.map { ($0.name, $0.value) }, timeout: TimeAmount(self.feed.connectTimeout)
        ) { client in
            WebSocketCallbacks(
                message: { message in
                    // A greeting may come in the same read as the end of the handshake.
                    self.opened(client, generation)
                    self.received(message, generation)
                }, heard: { self.heard(generation) }, readComplete: { self.flush() },
                closed: { self.closed($0, generation) }
            )
        }.whenComplete { result in
            switch result {
            case .success(let client): self.opened(client, generation)
            case .failure(let error):
                var status: Int?
                if case IngestError.upgradeRefused(_, let code) = error { status = code }
                self.closed("\(error)", generation, status: status)
            }
        }
    }

    private func opened(_ client: WebSocketClient, _ generation: Int) {
        guard generation == self.generation, !self.isEnded else { return client.cut() }
        if self.client != nil { return }
        self.client = client
        self.surroundings.monitor.opened()
        self.surroundings.monitor.saw(.opened(url: self.address), at: .now)
        self.perform(self.session.connected(at: self.now()))
    }

    private func heard(_ generation: Int) {
        guard generation == self.generation, !self.isEnded else { return }
        self.session.heard(at: self.now())
    }

    private func received(_ message: ByteBuffer, _ generation: Int) {
        guard generation == self.generation, !self.isEnded else { return }
        let now = self.now()
        self.surroundings.monitor.saw(.received(Array(message.readableBytesView)), at: now.time)
        var metExpectation: Int?
        let outcome = message.withUnsafeReadableBytes { bytes in
            var outcome = self.decoder.decode(bytes, receivedTime: now.time, into: &self.ticks)
            if let expected = self.session.expectation, self.matcher.matches(expected, bytes) {
                metExpectation = expected
                // What was waited for is known, though no rule of `messages` names it.
                if outcome == .unmatched { outcome = .control }
            }
            self.surroundings.monitor.count(outcome, frame: bytes)
            return outcome
        }
        let statuses = self.decoder.takeStatuses()
        if !statuses.isEmpty {
            self.flush()
            self.tell(self, .trading(statuses))
        }
        let actions = self.session.received(outcome, sequence: self.decoder.frameSequence, at: now)
        if !actions.isEmpty { self.perform(actions) }
        if let metExpectation, !self.isEnded { self.perform(self.session.expectationMet(metExpectation, at: now)) }
        self.lastFrameTime = now.time
    }

    /// Hands on what one read brought, so that the pipeline hops once a read and not once a tick.
    private func flush() {
        guard !self.ticks.isEmpty else { return }
        let batch = self.ticks
        self.ticks = []
        self.ticks.reserveCapacity(batch.count)
        self.surroundings.sink(batch)
        if self.session.isAwaitingSymbols, !self.isEnded { self.perform(self.session.ticked(batch.lazy.map(\.symbol))) }
    }

    private func closed(_ reason: String, _ generation: Int, status: Int? = nil) {
        guard generation == self.generation, !self.isEnded else { return }
        self.flush()
        if self.client != nil {
            self.client = nil
            self.surroundings.monitor.closed(reason: reason)
            self.tell(
                self,
                .lost(time: self.lastFrameTime ?? .now, isStall: self.isStalled, reason: self.session.redacted(reason)))
        } else {
            self.failedToConnect(reason)
        }
        if !self.isEnded { self.perform(self.session.closed(at: self.now(), reason: reason, status: status)) }
    }

    private func failedToConnect(_ reason: String) {
        self.surroundings.monitor.failedToConnect(reason: self.session.redacted(reason))
    }
}

/// Why a request of the bootstrap has no answer.
struct RequestFailure: Error {
    let reason: String
}
