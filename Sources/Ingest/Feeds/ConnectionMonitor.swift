import Atomics
import FeedLanguage
import Market
import Synchronization

/// What is known of one connection of a feed, or of its poller.
///
/// Any thread.
final class ConnectionMonitor: Sendable {
    /// What people see of a connection.
    enum State: Equatable, Sendable {
        case connecting
        case subscribing
        case live
        /// The `attempt`th try in a row comes after a pause.
        case waiting(reason: String, attempt: Int)
        /// Given up for long: the provider refuses us.
        case failed(reason: String)
        case stopped
    }

    /// What became of the wish to have a symbol.
    enum Subscription: Equatable, Sendable {
        case pending
        case subscribed
        case refused(reason: String)
    }

    private struct Facts {
        var state = State.connecting
        var since: Timestamp
        var symbols: [Symbol: Subscription] = [:]
    }

    /// The name within the feed.
    let name: String
    private let feed: FeedMonitor
    private let facts: Mutex<Facts>
    private let pendingCount = ManagedAtomic(0)
    private let wasOpen = ManagedAtomic(false)
    private let tap: FeedTap?

    init(name: String, feed: FeedMonitor, tap: FeedTap?) {
        self.name = name
        self.feed = feed
        self.tap = tap
        self.facts = Mutex(Facts(since: .now))
    }

    // MARK: Told by the runner

    /// The state changed.
    func report(_ state: State) {
        self.facts.withLock { facts in
            if facts.state != state { facts.since = .now }
            facts.state = state
            guard state == .connecting || state == .subscribing else { return }
            for (symbol, subscription) in facts.symbols where subscription == .subscribed {
                facts.symbols[symbol] = .pending
            }
            self.updatePending(facts)
        }
    }

    /// The session's state changed.
    func report(_ status: FeedSession.Status) {
        switch status {
        case .connecting: self.report(State.connecting)
        case .subscribing: self.report(State.subscribing)
        case .live: self.report(State.live)
        case .waiting(let attempt, _, let reason):
            self.report(State.waiting(reason: self.feed.redacted(reason), attempt: attempt))
        case .stalled: break
        case .failed(let reason, _): self.report(State.failed(reason: self.feed.redacted(reason)))
        case .stopped: self.report(State.stopped)
        }
    }

    /// What the venue has said about the connection's symbols.
    func report(_ states: [Symbol: SymbolState]) {
        for (symbol, state) in states {
            switch state {
            case .pending: self.mark(symbol, .pending)
            case .subscribed: self.mark(symbol, .subscribed)
            case .refused(let reason): self.mark(symbol, .refused(reason: self.feed.redacted(reason)))
            }
        }
    }

    /// The connection is open.
    func opened() {
        self.feed.opened(isAgain: self.wasOpen.exchange(true, ordering: .relaxed))
    }

    /// The open connection is gone.
    func closed(reason: String) { self.feed.closed(reason: reason) }

    /// The open connection was closed because it is no longer wanted.
    func ended() { self.feed.ended() }

    /// A request was answered.
    func answered() {
        self.feed.answered()
        self.report(State.live)
    }

    /// A poller's state changed.
    func polled(_ state: PollState) {
        self.feed.polled(state)
        switch state.status {
        case .idle, .starting: self.report(State.connecting)
        case .live, .closed, .exhausted: self.report(State.live)
        case .waiting(let reason, _): self.report(State.waiting(reason: reason, attempt: 1))
        case .failed(let reason, _): self.report(State.failed(reason: reason))
        case .stopped: self.report(State.stopped)
        }
        for (symbol, reason) in state.refused { self.mark(symbol, .refused(reason: reason)) }
    }

    /// The connection could not be opened, or a request was not answered as it should be.
    func failedToConnect(reason: String) { self.feed.failedToConnect(reason: reason) }

    /// A frame was decoded.
    func count(_ outcome: FrameOutcome, frame: UnsafeRawBufferPointer) { self.feed.count(outcome, frame: frame) }

    /// Other symbols are wanted on the connection; those that stay keep what is known of them.
    func replaceSymbols(_ symbols: [Symbol]) {
        self.facts.withLock { facts in
            let known = facts.symbols
            facts.symbols = Dictionary(symbols.map { ($0, known[$0] ?? .pending) }, uniquingKeysWith: { $1 })
            self.updatePending(facts)
        }
    }

    /// The venue said something about a subscription.
    func mark(_ symbol: Symbol, _ subscription: Subscription) {
        self.facts.withLock { facts in
            guard facts.symbols[symbol] != nil else { return }
            facts.symbols[symbol] = subscription
            self.updatePending(facts)
        }
    }

    // MARK: Traffic

    /// Whether anyone looks at the traffic.
    var isTapped: Bool { self.tap != nil }

    /// Shows traffic to the tap.
    func saw(_ traffic: @autoclosure () -> FeedTraffic, at time: @autoclosure () -> Timestamp) {
        if let tap { tap(self.name, traffic(), time()) }
    }

    // MARK: Told by the supervisor

    /// Ticks came: their symbols are subscribed, whatever the venue says about it.
    func received(_ ticks: [Tick]) {
        if self.pendingCount.load(ordering: .relaxed) > 0 {
            self.facts.withLock { facts in
                for tick in ticks where facts.symbols[tick.symbol] == .pending {
                    facts.symbols[tick.symbol] = .subscribed
                }
                self.updatePending(facts)
            }
        }
        self.feed.received(ticks)
    }

    private func updatePending(_ facts: Facts) {
        self.pendingCount.store(facts.symbols.values.count { $0 == .pending }, ordering: .relaxed)
    }

    // MARK: Status

    var state: State { self.facts.withLock { $0.state } }

    var status: FeedReport.Connection {
        let facts = self.facts.withLock { $0 }
        var status = FeedReport.Connection(
            name: self.name, state: Self.word(facts.state), since: facts.since.description, symbols: facts.symbols.count
        )
        switch facts.state {
        case .connecting, .subscribing, .live, .stopped: break
        case .failed(let reason): status.reason = reason
        case .waiting(let reason, let attempt):
            status.reason = reason
            status.attempt = attempt
        }
        return status
    }

    var symbols: [FeedReport.SymbolEntry] {
        self.facts.withLock { $0.symbols }.map { symbol, subscription in
            switch subscription {
            case .pending: .init(symbol: symbol.name, state: "pending")
            case .subscribed: .init(symbol: symbol.name, state: "subscribed")
            case .refused(let reason): .init(symbol: symbol.name, state: "refused", reason: reason)
            }
        }
    }

    private static func word(_ state: State) -> String {
        switch state {
        case .connecting: "connecting"
        case .subscribing: "subscribing"
        case .live: "live"
        case .waiting: "waiting"
        case .failed: "failed"
        case .stopped: "stopped"
        }
    }
}
