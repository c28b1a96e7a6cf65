public import Market

/// The life of one WebSocket connection to a venue: ask for a token, connect, greet, subscribe at the allowed pace, keep alive,
/// notice silence, hand over to a successor, back off and connect again.
///
/// Does no I/O and reads no clock: events go in with the ``Moment`` at which they happened, the returned actions are the
/// caller's to perform in order. At most one timer is armed: each `armTimer` replaces the one before. Events that come late,
/// a socket's end after ``stop()`` or the answer to a request that was given up, are harmless.
public struct FeedSession: Sendable {
    /// What the caller has to do.
    public enum Action: Equatable, Sendable {
        /// Make an HTTP request; report ``FeedSession/answered(_:id:at:)`` or ``FeedSession/requestFailed(_:id:at:)``.
        case request(HTTPExchange, id: Int)
        /// Open a WebSocket; report ``FeedSession/connected(at:)`` or ``FeedSession/closed(at:reason:status:)``.
        case connect(url: String, headers: [Header])
        /// Send a text frame.
        case send(String)
        /// Send a WebSocket ping.
        case sendPing
        /// Close the socket, or give up opening it, and report ``FeedSession/closed(at:reason:status:)``.
        case disconnect
        /// Call ``FeedSession/timerFired(at:)`` at that instant, and at no earlier asked one.
        case armTimer(at: ContinuousClock.Instant)
        /// Tell whoever watches the feed.
        case report(Status)
        /// ``FeedSession/symbolStates`` has changed.
        case symbolsChanged
        /// The numbers of the connection's frames have a hole: ticks of any of its symbols may be missing.
        case gap(from: Int64, to: Int64)
        /// Everything is subscribed: an older connection for the same symbols may end.
        case established
        /// Open another session for the same symbols and stop this one when that one is established.
        ///
        /// Report ``FeedSession/successorRefused(at:)`` when that cannot be.
        case openSuccessor
        /// This session has ended: its successor goes on alone.
        case handOver
    }

    /// What people see of the connection.
    public enum Status: Equatable, Sendable {
        /// A connection is being opened.
        case connecting
        /// Open, and nothing acknowledged yet.
        case subscribing
        /// Acknowledgements or ticks come in.
        case live
        /// Nothing comes any more, or no ticks do: the connection is being given up.
        case stalled(reason: String)
        /// Not connected; the `attempt`th try in a row starts after `delay`.
        case waiting(attempt: Int, delay: Duration, reason: String)
        /// The venue refuses us: the next try starts after `delay`, ten minutes or more.
        case failed(reason: String, delay: Duration)
        /// Ended for good.
        case stopped
    }

    enum State {
        case idle
        /// A request of the bootstrap is out.
        case bootstrapping(BootstrapRun, exchange: HTTPExchange, deadline: ContinuousClock.Instant)
        case connecting(deadline: ContinuousClock.Instant)
        /// Open, and in `onOpen` at a step that takes until `until`.
        case opening(FeedConnection, step: Int, until: ContinuousClock.Instant)
        case open(FeedConnection)
        /// Asked to close; `deadline` is when we no longer wait for the answer.
        case closing(deadline: ContinuousClock.Instant, next: AfterClosing)
        case waiting(until: ContinuousClock.Instant)
        /// The venue has refused us.
        case failed(until: ContinuousClock.Instant)
        case stopped
    }

    /// What follows when a socket has closed that we asked to.
    enum AfterClosing {
        case wait(wasStable: Bool, reason: String)
        case fail(wasStable: Bool, reason: String)
    }

    let feed: Feed
    let plan: WebSocketPlan?
    var state = State.idle
    /// What this connection carries, in the order it was asked for.
    public internal(set) var symbols: [Symbol]
    /// What the venue has said about each of ``symbols`` on the present connection.
    public internal(set) var symbolStates: [Symbol: SymbolState]
    /// Tries since the last connection that lasted.
    var attempt = 0
    /// Refusals since the last connection that lasted.
    var refusals = 0
    /// Requests made so far: the present one's number.
    var requestCount = 0
    /// What the last bootstrap has captured, its cookies, and how long they serve.
    var captures: [String: String] = [:]
    var cookies = CookieJar()
    var capturesUntil: ContinuousClock.Instant?
    /// The expectations of `onOpen` that this connection's frames have met.
    var metExpectations: Set<Int> = []

    /// A connection that lived so long was a success: the next try comes soon again.
    static let stableAge: Duration = .seconds(10)
    /// How long a socket may take to close.
    static let closeTimeout: Duration = .seconds(5)
    /// How long a connection goes on beside a successor that is not established.
    static let overlapMax: Duration = .seconds(120)
    /// After so long without another word a connection that is live counts as established.
    static let settleTime: Duration = .seconds(3)

    /// Makes a session that has not started.
    ///
    /// - Parameters:
    ///   - feed: A feed whose transport is a WebSocket; a session of any other stays idle.
    ///   - symbols: What this connection carries, at most ``FeedLimits/symbolsPerConnection``.
    public init(feed: Feed, symbols: [Symbol]) {
        self.feed = feed
        self.symbols = symbols
        self.symbolStates = Dictionary(symbols.map { ($0, .pending) }, uniquingKeysWith: { $1 })
        self.pendingCount = self.symbolStates.count
        switch feed.transport {
        case .webSocket(let plan): self.plan = plan
        case .poll: self.plan = nil
        }
    }

    /// `text` without the feed's secrets, and without the tokens that its bootstrap has captured.
    public func redacted(_ text: String) -> String {
        let tokens = self.captures.values.filter { $0.utf8.count >= 8 && !$0.contains("://") }
        return tokens.isEmpty ? self.feed.redacted(text) : Secrets(tokens).redacted(self.feed.redacted(text))
    }

    /// The number of the expectation that the next frames of the connection may meet; `nil` when none is left.
    ///
    /// While there is one the caller shows each frame to a ``FrameMatcher`` and reports ``expectationMet(_:at:)``.
    public var expectation: Int? {
        switch self.state {
        case .opening(_, let step, _):
            for case .expect(let number, _) in self.settings.opening[step...]
            where !self.metExpectations.contains(number) {
                return number
            }
            return nil
        case .idle, .bootstrapping, .connecting, .open, .closing, .waiting, .failed, .stopped: return nil
        }
    }

    /// Whether a symbol waits for a word about it: while it is so the caller reports ``ticked(_:)``.
    public var isAwaitingSymbols: Bool { self.pendingCount > 0 }
    var pendingCount = 0

    var settings: ConnectionSettings { self.feed.document.connection }

    // MARK: Events before the connection is open

    /// The feed is wanted.
    public mutating func start(at moment: Moment) -> [Action] {
        switch self.state {
        case .idle, .stopped:
            self.attempt = 0
            self.refusals = 0
            return self.begin(moment)
        case .bootstrapping, .connecting, .opening, .open, .closing, .waiting, .failed: return []
        }
    }

    /// A request was answered.
    public mutating func answered(_ answer: BootstrapAnswer, id: Int, at moment: Moment) -> [Action] {
        switch self.state {
        case .bootstrapping(var run, let exchange, _):
            guard id == self.requestCount else { return [] }
            switch run.answered(answer, to: exchange) {
            case .next: return self.ask(run, moment)
            case .done:
                self.captures = run.captures
                self.cookies = run.cookies
                self.capturesUntil = self.settings.bootstrap?.validFor.map { moment.instant + $0 }
                return self.connect(moment)
            case .failed(let reason, let retryAfter):
                return self.wait(moment, wasStable: false, reason: reason, atLeast: retryAfter ?? .zero)
            case .refused(let reason): return self.fail(moment, wasStable: false, reason: reason)
            }
        case .idle, .connecting, .opening, .open, .closing, .waiting, .failed, .stopped: return []
        }
    }

    /// A request was not answered.
    public mutating func requestFailed(_ reason: String, id: Int, at moment: Moment) -> [Action] {
        switch self.state {
        case .bootstrapping:
            guard id == self.requestCount else { return [] }
            return self.wait(moment, wasStable: false, reason: "bootstrap: \(reason)")
        case .idle, .connecting, .opening, .open, .closing, .waiting, .failed, .stopped: return []
        }
    }

    /// The connection may be opened only at `instant`: the feed's connections together would be too many in a minute.
    public mutating func postponed(until instant: ContinuousClock.Instant) -> [Action] {
        switch self.state {
        case .connecting:
            let deadline = instant + self.settings.connectTimeout
            self.state = .connecting(deadline: deadline)
            return [.armTimer(at: deadline)]
        case .idle, .bootstrapping, .opening, .open, .closing, .waiting, .failed, .stopped: return []
        }
    }

    /// The socket is open.
    public mutating func connected(at moment: Moment) -> [Action] {
        switch self.state {
        case .connecting:
            self.metExpectations = []
            let connection = FeedConnection(openedAt: moment.instant, limits: self.feed.limits)
            let changes = self.resetSymbols()
            return [.report(.subscribing)] + changes + self.proceed(connection, from: 0, moment)
        case .idle, .bootstrapping, .opening, .open, .closing, .waiting, .failed, .stopped:
            return [.disconnect]
        }
    }

    // MARK: The end

    /// The socket was closed, or could not be opened.
    ///
    /// - Parameters:
    ///   - moment: When.
    ///   - reason: For people.
    ///   - status: The HTTP status where the server answered the handshake with one.
    /// - Returns: What to do, in order.
    public mutating func closed(at moment: Moment, reason: String, status: Int? = nil) -> [Action] {
        switch self.state {
        case .connecting:
            // Whatever the bootstrap gave may be why.
            self.capturesUntil = nil
            if let status, HTTPRefusal.isFinal(status) { return self.fail(moment, wasStable: false, reason: reason) }
            return self.wait(moment, wasStable: false, reason: reason)
        case .opening(let connection, _, _):
            self.capturesUntil = nil
            let said = connection.lastError.map { "\(reason); the venue said: \($0)" } ?? reason
            return self.wait(moment, wasStable: false, reason: said)
        case .open(let connection):
            guard connection.successorDeadline == nil else { return self.handOver(isOpen: false) }
            return self.wait(moment, wasStable: Self.isStable(connection, moment), reason: reason)
        case .closing(_, let next): return self.closed(next, moment)
        case .idle, .bootstrapping, .waiting, .failed, .stopped: return []
        }
    }

    /// The feed is no longer wanted, or a successor has taken over.
    ///
    /// Nothing but late events follows, until ``start(at:)``.
    public mutating func stop() -> [Action] {
        switch self.state {
        case .stopped: return []
        case .idle, .bootstrapping, .waiting, .failed:
            self.state = .stopped
            return [.report(.stopped)]
        case .connecting, .opening, .open, .closing:
            self.state = .stopped
            return [.disconnect, .report(.stopped)]
        }
    }

    /// No successor can be opened: the connection is renewed by closing it first.
    public mutating func successorRefused(at moment: Moment) -> [Action] {
        switch self.state {
        case .open(let connection):
            guard connection.successorDeadline != nil else { return [] }
            return self.disconnect(connection, moment, reason: "the connection is renewed")
        case .idle, .bootstrapping, .connecting, .opening, .closing, .waiting, .failed, .stopped: return []
        }
    }
}
