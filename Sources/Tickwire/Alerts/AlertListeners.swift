import Channels
import Logging
import Notifications
import ServiceLifecycle
import Store
import Synchronization

/// Tells the database which users have a connection that hears of their alerts, so that their pushes wait for it for a moment.
final class AlertListeners: Service {
    private struct Place: Hashable {
        let app: String
        let user: String
    }

    private struct State {
        var places: Set<Place> = []
        /// Users whose connections came or went since the last look.
        var changed: Set<String> = []
        var suppressed = 0
    }

    private static let prefix = NotificationPayloads.channelName(user: "")
    private static let interval = Duration.milliseconds(250)
    /// Well within the minute for which a listener counts.
    private static let refreshInterval = Duration.seconds(20)

    private let store: AlertPresenceStore
    private let logger: Logger
    private let state = Mutex(State())

    /// Writes to `store`.
    init(store: AlertPresenceStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Takes what happened on a channel of an app; from any thread, never blocks.
    func take(_ activity: ChannelActivity, app: String) {
        let isThere: Bool
        switch activity {
        case .occupied: isThere = true
        case .vacated: isThere = false
        case .memberAdded, .memberRemoved, .clientEvent, .cacheMiss, .subscriptionCount: return
        }
        guard activity.channel.hasPrefix(Self.prefix) else { return }
        let place = Place(app: app, user: String(activity.channel.dropFirst(Self.prefix.count)))
        self.state.withLock { state in
            if isThere { state.places.insert(place) } else { state.places.remove(place) }
            state.changed.insert(place.user)
        }
    }

    /// A connection of a user's has shown an event: what waits to be pushed for it is not sent.
    ///
    /// - Returns: How many deliveries that are.
    func shown(_ event: String, user: String) async throws -> Int {
        let count = try await self.store.shown(event, user: user)
        self.state.withLock { $0.suppressed += count }
        return count
    }

    /// The lines of `/metrics`.
    var metrics: String {
        let (listeners, suppressed) = self.state.withLock { (Set($0.places.map(\.user)).count, $0.suppressed) }
        return MetricsText.suppression(listeners: listeners, suppressed: suppressed)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var refreshedAt = ContinuousClock.now
            while !Task.isCancelled {
                let isDue = ContinuousClock.now - refreshedAt >= Self.refreshInterval
                if isDue { refreshedAt = .now }
                await self.write(all: isDue)
                do { try await Task.sleep(for: Self.interval) } catch { return }
            }
        }
    }

    private func write(all: Bool) async {
        let (changed, present) = self.state.withLock { state in
            defer { state.changed = [] }
            return (state.changed, Set(state.places.map(\.user)))
        }
        if changed.isEmpty, !all || present.isEmpty { return }
        do {
            try await self.store.listening(all ? present : changed.intersection(present))
            try await self.store.left(changed.subtracting(present))
        } catch {
            if !Task.isCancelled {
                self.logger.debug("Listeners to alerts not written", metadata: ["error": "\(error)"])
            }
            self.state.withLock { $0.changed.formUnion(changed) }
        }
    }
}
