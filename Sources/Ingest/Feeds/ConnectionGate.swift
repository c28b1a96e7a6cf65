import FeedLanguage
import Synchronization

/// What the connections of one feed share: how often they may connect, and how many there may be.
///
/// Any thread.
final class ConnectionGate: Sendable {
    private struct State {
        var limits: FeedLimits
        var limiter: ConnectLimiter
        var count = 0
    }

    private let state: Mutex<State>

    init(limits: FeedLimits) { self.state = Mutex(State(limits: limits, limiter: ConnectLimiter(limits: limits))) }

    /// The feed file has changed.
    func replaceLimits(_ limits: FeedLimits) {
        self.state.withLock { state in
            guard state.limits != limits else { return }
            state.limits = limits
            state.limiter = ConnectLimiter(limits: limits)
        }
    }

    /// Reserves an attempt to connect; returns when it may be made.
    func reserve(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        self.state.withLock { $0.limiter.reserve(now: now) }
    }

    /// Takes a place among the connections that there may be at once.
    ///
    /// - Parameter isExtra: Whether it is one besides those that carry the symbols: they always find a place.
    /// - Returns: Whether there was one; ``leave()`` gives it back.
    func enter(isExtra: Bool) -> Bool {
        self.state.withLock { state in
            if isExtra, let most = state.limits.connections, state.count >= most { return false }
            state.count += 1
            return true
        }
    }

    func leave() { self.state.withLock { $0.count -= 1 } }
}
