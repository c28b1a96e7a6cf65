import Alerts
import Delivery
import Logging
import Market
import Notifications
import Postgres
import ServiceLifecycle
import Store
import Synchronization

/// Keeps lock screens at the newest prices: broadcast channels and activities of APNs.
///
/// Reads a table of the newest prices on a timer, so that ticks do not wait for it. What cannot be sent at once is dropped:
/// a price is worthless when the next one is there. Crossings go past the timer.
final class LivePriceService: Service {
    /// What it works with.
    struct Surroundings: Sendable {
        let client: PostgresClient
        let sender: LivePriceSender
        let prices: LatestPrices
        let settings: LivePriceSettings
        /// The app whose channels these are.
        let topic: String
        /// Where the listed symbols have their channels.
        let environment: APNsEnvironment
        /// Feeds that are not connected now.
        let deadFeeds: @Sendable () -> Set<String>
        let now: @Sendable () -> Timestamp
        let logger: Logger
    }

    private enum Event: Sendable {
        case looked
        case crossed(LivePriceState.Crossing)
    }

    /// Crossings that wait at most; the oldest give way.
    private static let eventsMax = 1_024
    /// A crossing that is older is told of by the alert's own notification alone.
    private static let crossingAgeMax: Int64 = 60_000_000_000
    /// How often the tables are read without being told.
    private static let reloadInterval = Duration.seconds(60)
    /// What lies between two readings at least.
    private static let reloadSpacing = Duration.milliseconds(500)

    let all: Surroundings
    let store: LiveStore
    let state: Mutex<LivePriceState>
    let cadence: Duration
    private let keeper: LiveChannelKeeper
    private let events: AsyncStream<Event>
    private let event: AsyncStream<Event>.Continuation
    private let reloads: AsyncStream<Void>
    private let reload: AsyncStream<Void>.Continuation

    init(_ surroundings: Surroundings) {
        self.all = surroundings
        self.store = LiveStore(client: surroundings.client)
        self.cadence = .seconds(surroundings.settings.cadenceSeconds)
        self.state = Mutex(LivePriceState(cadence: self.cadence))
        self.keeper = LiveChannelKeeper(
            store: self.store, sender: surroundings.sender, settings: surroundings.settings, topic: surroundings.topic,
            environment: surroundings.environment, now: surroundings.now, logger: surroundings.logger)
        (self.events, self.event) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.eventsMax))
        (self.reloads, self.reload) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What was done so far.
    var counters: LivePriceCounters { self.state.withLock { $0.counters } }

    /// Takes an alert from a shard's event loop, with the text its user gets.
    func alertFired(_ fired: FiredAlert, title: String, body: String) {
        guard let price = fired.cause.price, fired.lateness == nil,
            self.all.settings.symbols?.contains(fired.alert.symbol) == true,
            self.all.now().nanoseconds - fired.firedAt.nanoseconds < Self.crossingAgeMax
        else { return }
        self.event.yield(
            .crossed(
                LivePriceState.Crossing(
                    symbol: fired.alert.symbol, user: fired.alert.user, price: price, time: fired.cause.eventTime,
                    text: LiveActivityAlert(title: title, body: body),
                    isForAll: self.all.settings.alertUsers?.contains(fired.alert.user) ?? true)))
    }

    /// The tables are to be read again.
    func mustReload() { self.reload.yield() }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.listen() }
                group.addTask { await self.follow() }
                group.addTask { await self.repeating(min(.seconds(1), self.cadence / 4)) { self.event.yield(.looked) } }
                group.addTask { await self.repeating(Self.reloadInterval) { self.reload.yield() } }
                for await event in self.events {
                    let market = LivePriceState.Market(
                        prices: self.all.prices, deadFeeds: self.all.deadFeeds(), now: self.all.now())
                    let work: [LivePriceState.Work]
                    switch event {
                    case .looked:
                        work = self.state.withLock { $0.looked(market) }
                        for start in self.state.withLock({ $0.startsDue(market) }) {
                            group.addTask { await self.begin(start.activity, start.push) }
                        }
                    case .crossed(let crossing): work = self.state.withLock { $0.crossed(crossing, market) }
                    }
                    if !work.isEmpty { group.addTask { await self.send(work) } }
                }
            }
        }
    }

    private func repeating(_ interval: Duration, _ body: () -> Void) async {
        while !Task.isCancelled {
            body()
            do { try await Task.sleep(for: interval) } catch { return }
        }
    }

    private func listen() async {
        let listener = PostgresListener(
            channels: [LiveStore.changesChannel, AlertStore.changesChannel], client: self.all.client,
            logger: self.all.logger)
        do {
            try await listener.run { event in
                // Thresholds matter to activities alone.
                if case .notified(let notification) = event, notification.channel == AlertStore.changesChannel,
                    self.counters.activities == 0
                {
                    return
                }
                self.reload.yield()
            }
        } catch {
            if !Task.isCancelled {
                self.all.logger.warning(
                    "Live activities are looked for once a minute only", metadata: ["error": "\(error)"])
            }
        }
    }

    private func follow() async {
        var backOff = BackOff(longest: .seconds(30))
        for await _ in self.reloads {
            do {
                if try await self.read() {
                    backOff.reset()
                } else {
                    self.reload.yield()
                    try await Task.sleep(for: backOff.next())
                }
                // Many registrations in a row are read together.
                try await Task.sleep(for: Self.reloadSpacing)
            } catch {
                if Task.isCancelled { return }
                self.all.logger.warning("Live activities not read", metadata: ["error": "\(error)"])
                self.reload.yield()
                // A cancelled sleep ends the loop with the stream.
                try? await Task.sleep(for: backOff.next())
            }
        }
    }

    /// Reads the tables and has channels made.
    ///
    /// - Returns: Whether all was made that is asked for.
    private func read() async throws -> Bool {
        try await self.store.removeEnded()
        let activities = try await self.store.activities()
            .filter { self.all.settings.symbols?.contains($0.symbol) == true }
        let starts = activities.filter { if case .start = $0.kind { true } else { false } }
        let (channels, isComplete) = try await self.keeper.channels(wanted: starts)
        let thresholds = try await self.store.thresholds(of: Set(activities.map(\.user)))
        self.state.withLock { state in
            state.replace(channels: channels)
            state.replace(activities: activities, thresholds: thresholds)
        }
        return isComplete
    }
}
