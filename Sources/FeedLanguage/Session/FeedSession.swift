public import Market

/// The life of one WebSocket connection to a venue: connect, subscribe at the allowed pace, keep alive, notice silence,
/// back off and connect again.
///
/// Does no I/O and reads no clock: events go in with the instant they happened, the returned actions are the caller's to
/// perform in order. At most one timer is armed: each `armTimer` replaces the one before. Events that come late, a socket's
/// end after `stop()` for example, are harmless.
public struct FeedSession: Sendable {
    /// What the caller has to do.
    public enum Action: Equatable, Sendable {
        /// Open a WebSocket; report ``FeedSession/connected(now:)`` or ``FeedSession/closed(now:reason:random:)``.
        case connect(url: String, headers: [Header])
        /// Send a text frame.
        case send(String)
        /// Close the socket, or give up opening it, and report ``FeedSession/closed(now:reason:random:)``.
        case disconnect
        /// Call ``FeedSession/timerFired(now:random:)`` at that instant, and at no earlier asked one.
        case armTimer(at: ContinuousClock.Instant)
        /// Tell whoever watches the feed.
        case report(Status)
    }

    /// What people see of the connection.
    public enum Status: Equatable, Sendable {
        /// A connection is being opened.
        case connecting
        /// Open, and nothing acknowledged yet.
        case subscribing
        /// Acknowledgements or ticks come in.
        case live
        /// Not connected; the `attempt`th try in a row starts after `delay`.
        case waiting(attempt: Int, delay: Duration, reason: String)
        /// Ended for good.
        case stopped
    }

    private enum State {
        case idle
        case connecting(deadline: ContinuousClock.Instant)
        case open(Connection)
        /// Asked to close; `deadline` is when we no longer wait for the answer.
        case closing(deadline: ContinuousClock.Instant, wasStable: Bool, reason: String)
        case waiting(until: ContinuousClock.Instant)
        case stopped
    }

    /// An open connection.
    private struct Connection {
        let openedAt: ContinuousClock.Instant
        var lastFrame: ContinuousClock.Instant
        var isLive = false
        /// Messages that the venue's rate limit holds back, next one last.
        var pending: [String] = []
        var maySendAt: ContinuousClock.Instant
        var nextKeepAlive: ContinuousClock.Instant?
        /// Messages rendered so far.
        var counter = 0
    }

    private let feed: Feed
    private let plan: WebSocketPlan?
    private var symbols: [Symbol]
    private var state = State.idle
    /// Tries since the last connection that lasted.
    private var attempt = 0

    /// A connection that lived so long was a success: the next try comes soon again.
    private static let stableAge: Duration = .seconds(10)
    /// How long a socket may take to close.
    private static let closeTimeout: Duration = .seconds(5)

    /// Makes a session that has not started.
    ///
    /// - Parameters:
    ///   - feed: A feed whose transport is a WebSocket; a session of any other stays idle.
    ///   - symbols: What this connection carries, at most ``FeedLimits/symbolsPerConnection``.
    public init(feed: Feed, symbols: [Symbol]) {
        self.feed = feed
        self.symbols = symbols
        switch feed.transport {
        case .webSocket(let plan): self.plan = plan
        case .poll: self.plan = nil
        }
    }

    // MARK: Events

    /// The feed is wanted.
    public mutating func start(now: ContinuousClock.Instant) -> [Action] {
        switch self.state {
        case .idle, .stopped:
            self.attempt = 0
            return self.connect(now: now)
        case .connecting, .open, .closing, .waiting: return []
        }
    }

    /// The socket is open.
    public mutating func connected(now: ContinuousClock.Instant) -> [Action] {
        switch self.state {
        case .connecting:
            var connection = Connection(openedAt: now, lastFrame: now, maySendAt: now)
            connection.pending = self.feed.subscribeMessages(for: self.symbols, counter: &connection.counter).reversed()
            if let keepAlive = self.feed.document.connection.keepAlive {
                connection.nextKeepAlive = now + keepAlive.interval(captures: [:])
            }
            let sends = self.sendDue(&connection, now: now)
            let timer = self.nextTimer(connection)
            self.state = .open(connection)
            return [.report(.subscribing)] + sends + [.armTimer(at: timer)]
        case .idle, .open, .closing, .waiting, .stopped:
            return [.disconnect]
        }
    }

    /// A frame was decoded.
    public mutating func received(_ outcome: FrameOutcome, now: ContinuousClock.Instant) -> [Action] {
        switch self.state {
        case .open(var connection):
            connection.lastFrame = now
            switch outcome {
            case .ticks, .control, .reply, .acknowledged, .registered:
                if !connection.isLive {
                    connection.isLive = true
                    self.state = .open(connection)
                    return [.report(.live)]
                }
            case .reconnect:
                return self.disconnect(connection, now: now, reason: "the venue asked for a new connection")
            case .ignored, .unmatched, .providerError, .fatal, .malformed: break
            }
            self.state = .open(connection)
            return []
        case .idle, .connecting, .closing, .waiting, .stopped:
            return []
        }
    }

    /// The socket was closed, or could not be opened.
    ///
    /// - Parameters:
    ///   - now: When.
    ///   - reason: For people.
    ///   - random: Any number; spreads the tries of many clients.
    /// - Returns: What to do, in order.
    public mutating func closed(now: ContinuousClock.Instant, reason: String, random: UInt64) -> [Action] {
        switch self.state {
        case .connecting: return self.wait(now: now, wasStable: false, reason: reason, random: random)
        case .open(let connection):
            return self.wait(now: now, wasStable: Self.isStable(connection, now), reason: reason, random: random)
        case .closing(_, let wasStable, let ours):
            return self.wait(now: now, wasStable: wasStable, reason: ours, random: random)
        case .idle, .waiting, .stopped: return []
        }
    }

    /// The armed instant has come.
    ///
    /// - Parameters:
    ///   - now: The instant.
    ///   - random: Any number; spreads the tries of many clients.
    /// - Returns: What to do, in order.
    public mutating func timerFired(now: ContinuousClock.Instant, random: UInt64) -> [Action] {
        switch self.state {
        case .idle, .stopped: return []
        case .connecting(let deadline):
            guard now >= deadline else { return [.armTimer(at: deadline)] }
            return self.close(
                now: now, wasStable: false,
                reason: "no connection within \(self.feed.document.connection.connectTimeout)"
            )
        case .closing(let deadline, let wasStable, let reason):
            guard now >= deadline else { return [.armTimer(at: deadline)] }
            return self.wait(now: now, wasStable: wasStable, reason: reason, random: random)
        case .waiting(let until):
            guard now >= until else { return [.armTimer(at: until)] }
            return self.connect(now: now)
        case .open(var connection):
            if now >= connection.lastFrame + self.feed.idleTimeout {
                return self.disconnect(connection, now: now, reason: "silent for \(self.feed.idleTimeout)")
            }
            if let age = self.feed.document.connection.maximumAge, now >= connection.openedAt + age {
                return self.disconnect(connection, now: now, reason: "open for \(age), the longest this venue allows")
            }
            self.keepAlive(&connection, now: now)
            let sends = self.sendDue(&connection, now: now)
            let timer = self.nextTimer(connection)
            self.state = .open(connection)
            return sends + [.armTimer(at: timer)]
        }
    }

    /// The feed is no longer wanted.
    ///
    /// Nothing but late events follows, until ``start(now:)``.
    public mutating func stop() -> [Action] {
        switch self.state {
        case .stopped: return []
        case .idle, .waiting:
            self.state = .stopped
            return [.report(.stopped)]
        case .connecting, .open, .closing:
            self.state = .stopped
            return [.disconnect, .report(.stopped)]
        }
    }

    /// Other symbols are wanted on this connection.
    ///
    /// An open connection gets messages for the difference; where the venue has none for leaving, or names the symbols in
    /// the address, it is opened anew. The decoder is the caller's to replace.
    public mutating func replaceSymbols(_ symbols: [Symbol], now: ContinuousClock.Instant) -> [Action] {
        let old = Set(self.symbols)
        let new = Set(symbols)
        let added = symbols.filter { !old.contains($0) }
        let removed = self.symbols.filter { !new.contains($0) }
        self.symbols = symbols
        switch self.state {
        case .open(var connection):
            guard !added.isEmpty || !removed.isEmpty else { return [] }
            let isInURL = self.plan?.hasSymbolsInAddress ?? false
            if isInURL || (!removed.isEmpty && self.feed.document.unsubscribe == nil) {
                return self.disconnect(connection, now: now, reason: "the list of symbols changed")
            }
            let messages =
                self.feed.unsubscribeMessages(for: removed, counter: &connection.counter)
                + self.feed.subscribeMessages(for: added, counter: &connection.counter)
            connection.pending = messages.reversed() + connection.pending
            let sends = self.sendDue(&connection, now: now)
            let timer = self.nextTimer(connection)
            self.state = .open(connection)
            return sends + [.armTimer(at: timer)]
        case .idle, .connecting, .closing, .waiting, .stopped:
            return []
        }
    }

    // MARK: Steps

    private mutating func connect(now: ContinuousClock.Instant) -> [Action] {
        guard let plan = self.plan else { return [] }
        let deadline = now + self.feed.document.connection.connectTimeout
        self.state = .connecting(deadline: deadline)
        return [
            .report(.connecting), .connect(url: plan.url(for: self.symbols), headers: plan.headers),
            .armTimer(at: deadline),
        ]
    }

    private mutating func disconnect(
        _ connection: Connection, now: ContinuousClock.Instant, reason: String
    ) -> [Action] {
        self.close(now: now, wasStable: Self.isStable(connection, now), reason: reason)
    }

    private mutating func close(now: ContinuousClock.Instant, wasStable: Bool, reason: String) -> [Action] {
        let deadline = now + Self.closeTimeout
        self.state = .closing(deadline: deadline, wasStable: wasStable, reason: reason)
        return [.disconnect, .armTimer(at: deadline)]
    }

    private static func isStable(_ connection: Connection, _ now: ContinuousClock.Instant) -> Bool {
        connection.isLive && now - connection.openedAt >= Self.stableAge
    }

    private mutating func wait(
        now: ContinuousClock.Instant, wasStable: Bool, reason: String, random: UInt64
    ) -> [Action] {
        self.attempt = wasStable ? 1 : self.attempt + 1
        let delay = Self.delay(attempt: self.attempt, random: random)
        self.state = .waiting(until: now + delay)
        return [
            .report(.waiting(attempt: self.attempt, delay: delay, reason: reason)), .armTimer(at: now + delay),
        ]
    }

    /// Doubles from 0.25…0.5 s to 15…30 s; the random half keeps clients of one venue from coming back together.
    static func delay(attempt: Int, random: UInt64) -> Duration {
        let longest = min(30_000, 500 << min(max(attempt - 1, 0), 6))
        let half = UInt64(longest / 2)
        return .milliseconds(Int64(half + random % (half + 1)))
    }

    private var sendInterval: Duration { .seconds(1) / self.feed.limits.messagesPerSecond }

    /// Takes the messages that may go out now.
    private func sendDue(_ connection: inout Connection, now: ContinuousClock.Instant) -> [Action] {
        var actions: [Action] = []
        while now >= connection.maySendAt, let message = connection.pending.popLast() {
            actions.append(.send(message))
            // A late timer does not save up a burst.
            connection.maySendAt = now + self.sendInterval
        }
        return actions
    }

    private func keepAlive(_ connection: inout Connection, now: ContinuousClock.Instant) {
        guard let keepAlive = self.feed.document.connection.keepAlive, let due = connection.nextKeepAlive, now >= due
        else { return }
        connection.nextKeepAlive = now + keepAlive.interval(captures: [:])
        connection.counter += 1
        // Put last in `pending`, it goes first: a long subscription must not keep it waiting.
        if case .message(let message) = keepAlive.content { connection.pending.append(message.render(.fixed)) }
    }

    private func nextTimer(_ connection: Connection) -> ContinuousClock.Instant {
        var next = connection.lastFrame + self.feed.idleTimeout
        if !connection.pending.isEmpty { next = min(next, connection.maySendAt) }
        if let keepAlive = connection.nextKeepAlive { next = min(next, keepAlive) }
        if let age = self.feed.document.connection.maximumAge { next = min(next, connection.openedAt + age) }
        return next
    }
}
