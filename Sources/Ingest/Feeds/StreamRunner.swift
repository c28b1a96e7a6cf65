import FeedLanguage
import HTTPClient
import Market
import NIOCore

/// Keeps one shard of a feed's symbols coming over a WebSocket.
///
/// Usually with one connection. Where one has to be renewed, for its age, at the venue's wish or because the feed file
/// changed, the next one is opened beside it, and the old one ends when the new one is established: no tick falls between,
/// and those that come twice are the guard's to drop.
///
/// SAFETY: every stored `var` is touched on the event loop only; the methods of ``FeedRunner`` hop there first.
final class StreamRunner: FeedRunner, @unchecked Sendable {
    /// A request of a connection's bootstrap, performed by ``run()``.
    private struct Job: Sendable {
        let connection: StreamConnection
        let exchange: HTTPExchange
        let id: Int
        let timeout: Duration
    }

    /// The longest answer to a bootstrap request.
    private static let answerBytesMax = 4 << 20
    /// How long a connection under a changed file may take before the old one ends all the same.
    private static let changeOverlapMax = TimeAmount.seconds(30)

    private let surroundings: StreamSurroundings
    private let client: HTTPClient
    private let venue: Venue
    private let events: FeedEventSink
    private var feed: Feed
    private var symbols: [Symbol]
    private var current: StreamConnection?
    /// Opened beside the current one, to take its place.
    private var successor: StreamConnection?
    private var isStopped = false
    private let jobs: AsyncStream<Job>
    private let jobInput: AsyncStream<Job>.Continuation

    init(
        feed: Feed, symbols: [Symbol], client: HTTPClient, surroundings: StreamSurroundings,
        events: @escaping FeedEventSink
    ) {
        self.feed = feed
        self.venue = feed.name
        self.symbols = symbols
        self.client = client
        self.surroundings = surroundings
        self.events = events
        (self.jobs, self.jobInput) = AsyncStream.makeStream(of: Job.self)
    }

    // MARK: FeedRunner

    func run() async {
        self.eventLoop.execute { self.begin() }
        await withDiscardingTaskGroup { group in
            for await job in self.jobs { group.addTask { await self.perform(job) } }
            group.cancelAll()
        }
        // The closure throws nothing; a loop that is shut down has no connection left.
        try? await self.eventLoop.submit { self.end() }.get()
    }

    func stop() { self.jobInput.finish() }

    func replaceSymbols(_ symbols: [Symbol]) {
        self.eventLoop.execute {
            self.symbols = symbols
            self.current?.replaceSymbols(symbols)
            self.successor?.replaceSymbols(symbols)
        }
    }

    func replaceFeed(_ feed: Feed) {
        self.eventLoop.execute {
            let goesOn = feed.connects(like: self.feed)
            self.feed = feed
            if self.isStopped { return }
            self.surroundings.gate.replaceLimits(feed.limits)
            guard !goesOn else {
                self.current?.replaceDecoder(feed)
                self.successor?.replaceDecoder(feed)
                return
            }
            self.dropSuccessor()
            // A connection that brings nothing need not be kept for the sake of the new one.
            guard self.current?.isEstablished == true, self.openSuccessor() else { return self.begin() }
            let successor = self.successor
            self.eventLoop.scheduleTask(in: Self.changeOverlapMax) {
                if let successor, self.successor === successor { self.promote() }
            }
        }
    }

    private var eventLoop: any EventLoop { self.surroundings.eventLoop }

    // MARK: On the event loop

    /// Starts with a new connection, in place of the current one if there is any.
    private func begin() {
        guard !self.isStopped else { return }
        if let old = self.current {
            old.end()
            self.surroundings.gate.leave()
        }
        _ = self.surroundings.gate.enter(isExtra: false)
        let connection = self.makeConnection()
        self.current = connection
        connection.start()
    }

    private func end() {
        self.isStopped = true
        self.dropSuccessor()
        guard let current else { return }
        current.end()
        self.surroundings.gate.leave()
        self.current = nil
        self.report(.stopped)
    }

    private func makeConnection() -> StreamConnection {
        StreamConnection(feed: self.feed, symbols: self.symbols, self.surroundings) { connection, event in
            self.handle(event, from: connection)
        }
    }

    /// Opens a connection beside the current one; `false` where the venue allows no more.
    private func openSuccessor() -> Bool {
        guard self.successor == nil else { return true }
        guard self.feed.limits.connections != 1, self.surroundings.gate.enter(isExtra: true) else { return false }
        let connection = self.makeConnection()
        self.successor = connection
        connection.start()
        return true
    }

    private func dropSuccessor() {
        guard let successor else { return }
        self.successor = nil
        successor.end()
        self.surroundings.gate.leave()
    }

    /// The successor takes the current one's place, whatever its state.
    private func promote() {
        guard let successor else { return }
        let old = self.current
        self.successor = nil
        self.current = successor
        old?.end()
        self.surroundings.gate.leave()
        self.report(successor.status)
        self.surroundings.monitor.report(successor.symbolStates)
    }

    private func report(_ status: FeedSession.Status) {
        self.surroundings.monitor.report(status)
        self.events(self.venue, .changed(self.redacted(status)))
    }

    private func redacted(_ status: FeedSession.Status) -> FeedSession.Status {
        switch status {
        case .connecting, .subscribing, .live, .stopped: status
        case .stalled(let reason): .stalled(reason: self.feed.redacted(reason))
        case .waiting(let attempt, let delay, let reason):
            .waiting(attempt: attempt, delay: delay, reason: self.feed.redacted(reason))
        case .failed(let reason, let delay): .failed(reason: self.feed.redacted(reason), delay: delay)
        }
    }

    private func handle(_ event: StreamConnection.Event, from connection: StreamConnection) {
        if case .request(let exchange, let id) = event {
            self.jobInput.yield(
                Job(connection: connection, exchange: exchange, id: id, timeout: self.feed.connectTimeout))
            return
        }
        if case .trading(let statuses) = event { return self.events(self.venue, .trading(statuses)) }
        if connection === self.successor { return self.handleSuccessor(event) }
        guard connection === self.current else { return }
        switch event {
        case .request, .trading: break
        case .report(let status): self.report(status)
        case .symbolsChanged: self.surroundings.monitor.report(connection.symbolStates)
        case .gap(let from, let to, let since, let time):
            self.events(self.venue, .gap(symbols: connection.symbols, from: from, to: to, since: since, time: time))
        case .lost(let time, let isStall, let reason):
            self.events(self.venue, .lost(symbols: connection.symbols, time: time, isStall: isStall, reason: reason))
        case .established: self.events(self.venue, .restored(symbols: connection.symbols, time: .now))
        case .openSuccessor: if !self.openSuccessor() { connection.successorRefused() }
        case .handOver: if self.successor == nil { self.begin() } else { self.promote() }
        }
    }

    private func handleSuccessor(_ event: StreamConnection.Event) {
        switch event {
        case .established: self.promote()
        case .report(.failed):
            // Perhaps only because there are two: then the old one has to go first.
            self.dropSuccessor()
            self.current?.successorRefused()
        case .gap(let from, let to, let since, let time):
            self.events(self.venue, .gap(symbols: self.symbols, from: from, to: to, since: since, time: time))
        case .request, .report, .trading, .symbolsChanged, .lost, .openSuccessor, .handOver: break
        }
    }

    // MARK: Requests

    private func perform(_ job: Job) async {
        let exchange = job.exchange
        let result: Result<BootstrapAnswer, RequestFailure>
        do {
            let response = try await self.client.execute(
                HTTPRequest(
                    method: exchange.method, url: exchange.url,
                    headers: exchange.headers.map { HTTPHeader($0.name, $0.value) },
                    body: exchange.body.map { Array($0.utf8) }, timeout: job.timeout, maxBodyBytes: Self.answerBytesMax
                )
            )
            let headers = response.headers.map { Header(name: $0.name, value: $0.value) }
            result = .success(BootstrapAnswer(status: response.status, headers: headers, body: response.body))
        } catch {
            result = .failure(RequestFailure(reason: "\(error)"))
        }
        self.eventLoop.execute { job.connection.answered(result, url: exchange.url, id: job.id) }
    }
}
