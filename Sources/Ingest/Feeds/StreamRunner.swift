import FeedLanguage
import Market
import NIOCore
import NIOSSL

/// Performs what a ``FeedSession`` decides for one WebSocket connection: connects, sends, decodes frames where they are read.
///
/// SAFETY: every stored `var` is touched on `eventLoop` only; `start` and `stop` hop there first.
final class StreamRunner: FeedRunner, @unchecked Sendable {
    private let eventLoop: any EventLoop
    private let tls: NIOSSLContext
    private let monitor: ConnectionMonitor
    private let urlOverride: String?
    private let sink: @Sendable ([Tick]) -> Void
    private let clock = ContinuousClock()
    private var feed: Feed
    private var symbols: [Symbol]
    private var url = ""
    private var session: FeedSession
    private var decoder: FrameDecoder
    private var client: WebSocketClient?
    private var timer: Scheduled<Void>?
    private var ticks: [Tick] = []
    /// Counts connections, so that a late word from an old one is not taken for the present one's.
    private var generation = 0
    private var isOpen = false
    private var isStopped = false
    private let untilStopped: AsyncStream<Never>
    private let stopping: AsyncStream<Never>.Continuation

    init(
        feed: Feed, symbols: [Symbol], urlOverride: String?, eventLoop: any EventLoop, tls: NIOSSLContext,
        monitor: ConnectionMonitor, sink: @escaping @Sendable ([Tick]) -> Void
    ) {
        self.feed = feed
        self.symbols = symbols
        self.session = FeedSession(feed: feed, symbols: symbols)
        self.decoder = FrameDecoder(feed: feed, symbols: symbols)
        self.urlOverride = urlOverride
        self.eventLoop = eventLoop
        self.tls = tls
        self.monitor = monitor
        self.sink = sink
        (self.untilStopped, self.stopping) = AsyncStream.makeStream(of: Never.self)
    }

    func run() async {
        self.eventLoop.execute { self.perform(self.session.start(now: self.clock.now)) }
        for await _ in self.untilStopped {}
        // The closure throws nothing; a loop that is shut down has no connection left.
        try? await self.eventLoop.submit { self.end() }.get()
    }

    func stop() { self.stopping.finish() }

    func replaceSymbols(_ symbols: [Symbol]) {
        self.eventLoop.execute {
            self.symbols = symbols
            self.decoder = FrameDecoder(feed: self.feed, symbols: symbols)
            self.perform(self.session.replaceSymbols(symbols, now: self.clock.now))
        }
    }

    func replaceFeed(_ feed: Feed) {
        self.eventLoop.execute {
            let goesOn = feed.connects(like: self.feed)
            self.feed = feed
            self.decoder = FrameDecoder(feed: feed, symbols: self.symbols)
            if goesOn || self.isStopped { return }
            if self.isOpen {
                self.isOpen = false
                self.monitor.ended()
            }
            self.perform(self.session.stop())
            self.client = nil
            self.session = FeedSession(feed: feed, symbols: self.symbols)
            self.perform(self.session.start(now: self.clock.now))
        }
    }

    // MARK: On the event loop

    private func end() {
        self.isStopped = true
        self.timer?.cancel()
        self.perform(self.session.stop())
        self.client?.close()
        self.flush()
        if self.isOpen {
            self.isOpen = false
            self.monitor.ended()
        }
    }

    private func perform(_ actions: [FeedSession.Action]) {
        for action in actions {
            switch action {
            case .connect(let url, let headers): self.connect(url, headers)
            case .send(let text):
                self.client?.send(text: text)
                self.monitor.saw(.sent(url: self.url, Array(text.utf8)), at: .now)
            case .armTimer(let deadline): self.arm(deadline)
            case .disconnect: self.client?.cut()
            case .report(let status): self.monitor.report(status)
            }
        }
    }

    private func arm(_ deadline: ContinuousClock.Instant) {
        self.timer?.cancel()
        let delay = self.clock.now.duration(to: deadline)
        self.timer = self.eventLoop.scheduleTask(in: delay > .zero ? TimeAmount(delay) : .zero) {
            guard !self.isStopped else { return }
            self.perform(self.session.timerFired(now: self.clock.now, random: .random(in: 0 ... .max)))
        }
    }

    private func connect(_ text: String, _ headers: [Header]) {
        self.generation += 1
        let generation = self.generation
        let url: WebSocketURL
        do {
            self.url = self.urlOverride ?? text
            url = try WebSocketURL(self.url)
        } catch {
            self.failedToConnect("\(error)")
            return
        }
        WebSocketClient.connect(
            to: url, on: self.eventLoop, tls: self.tls, headers: headers.map { ($0.name, $0.value) }
        ) { client in
            WebSocketCallbacks(
                message: { message in
                    // A greeting may come in the same read as the end of the handshake.
                    self.opened(client, generation)
                    self.received(message, generation)
                }, readComplete: { self.flush() }, closed: { self.closed($0, generation) }
            )
        }.whenComplete { result in
            switch result {
            case .success(let client): self.opened(client, generation)
            case .failure(let error):
                if generation == self.generation, !self.isStopped { self.failedToConnect("\(error)") }
            }
        }
    }

    private func opened(_ client: WebSocketClient, _ generation: Int) {
        guard generation == self.generation, !self.isStopped else { return client.cut() }
        if self.isOpen { return }
        self.client = client
        self.isOpen = true
        self.monitor.opened()
        self.monitor.saw(.opened(url: self.url), at: .now)
        self.perform(self.session.connected(now: self.clock.now))
    }

    private func received(_ message: ByteBuffer, _ generation: Int) {
        guard generation == self.generation, !self.isStopped else { return }
        let receivedTime = Timestamp.now
        self.monitor.saw(.received(Array(message.readableBytesView)), at: receivedTime)
        let outcome = message.withUnsafeReadableBytes { bytes in
            let outcome = self.decoder.decode(bytes, receivedTime: receivedTime, into: &self.ticks)
            self.monitor.count(outcome, frame: bytes)
            return outcome
        }
        let actions = self.session.received(outcome, now: self.clock.now)
        if !actions.isEmpty { self.perform(actions) }
    }

    /// Hands on what one read brought, so that the pipeline hops once a read and not once a tick.
    private func flush() {
        guard !self.ticks.isEmpty else { return }
        let batch = self.ticks
        self.ticks = []
        self.ticks.reserveCapacity(batch.count)
        self.sink(batch)
    }

    private func closed(_ reason: String, _ generation: Int) {
        guard generation == self.generation else { return }
        self.flush()
        self.client = nil
        if self.isOpen {
            self.isOpen = false
            // Cutting our own connection may end here before `end` is through.
            if self.isStopped { return self.monitor.ended() }
            self.monitor.closed(reason: reason)
        }
        self.perform(self.session.closed(now: self.clock.now, reason: reason, random: .random(in: 0 ... .max)))
    }

    private func failedToConnect(_ reason: String) {
        self.monitor.failedToConnect(reason: reason)
        self.perform(self.session.closed(now: self.clock.now, reason: reason, random: .random(in: 0 ... .max)))
    }
}
