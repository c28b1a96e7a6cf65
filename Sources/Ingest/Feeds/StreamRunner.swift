import FeedLanguage
import Market
import NIOCore
import NIOSSL

/// Performs what a ``FeedSession`` decides for one WebSocket connection: connects, sends, decodes frames where they are read.
///
/// SAFETY: every stored `var` is touched on `eventLoop` only; `start` and `stop` hop there first.
final class StreamRunner: @unchecked Sendable {
    private let eventLoop: any EventLoop
    private let tls: NIOSSLContext
    private let monitor: FeedMonitor
    private let urlOverride: String?
    private let sink: @Sendable ([Tick]) -> Void
    private let clock = ContinuousClock()
    private var session: FeedSession
    private var decoder: FrameDecoder
    private var client: WebSocketClient?
    private var timer: Scheduled<Void>?
    private var ticks: [Tick] = []
    /// Counts connections, so that a late word from an old one is not taken for the present one's.
    private var generation = 0
    private var isOpen = false
    private var isStopped = false

    init(
        feed: Feed, symbols: [Symbol], urlOverride: String?, eventLoop: any EventLoop, tls: NIOSSLContext,
        monitor: FeedMonitor, sink: @escaping @Sendable ([Tick]) -> Void
    ) {
        self.session = FeedSession(feed: feed, symbols: symbols)
        self.decoder = FrameDecoder(feed: feed, symbols: symbols)
        self.urlOverride = urlOverride
        self.eventLoop = eventLoop
        self.tls = tls
        self.monitor = monitor
        self.sink = sink
    }

    func start() {
        self.eventLoop.execute { self.perform(self.session.start(now: self.clock.now)) }
    }

    /// Says good-bye and ends; done when the connection is closed or was never open.
    func stop() -> EventLoopFuture<Void> {
        self.eventLoop.submit {
            self.isStopped = true
            self.timer?.cancel()
            self.perform(self.session.stop())
            self.client?.close()
        }
    }

    // MARK: On the event loop

    private func perform(_ actions: [FeedSession.Action]) {
        for action in actions {
            switch action {
            case .connect(let url, let headers): self.connect(url, headers)
            case .send(let text): self.client?.send(text: text)
            case .armTimer(let deadline): self.arm(deadline)
            case .disconnect: self.client?.cut()
            case .report: break
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
            url = try WebSocketURL(self.urlOverride ?? text)
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
        self.perform(self.session.connected(now: self.clock.now))
    }

    private func received(_ message: ByteBuffer, _ generation: Int) {
        guard generation == self.generation, !self.isStopped else { return }
        let receivedTime = Timestamp.now
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
            if self.isStopped { return }
            self.monitor.closed(reason: reason)
        }
        self.perform(self.session.closed(now: self.clock.now, reason: reason, random: .random(in: 0 ... .max)))
    }

    private func failedToConnect(_ reason: String) {
        self.monitor.failedToConnect(reason: reason)
        self.perform(self.session.closed(now: self.clock.now, reason: reason, random: .random(in: 0 ... .max)))
    }
}
