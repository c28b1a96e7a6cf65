import Alerts
import Channels
import Ingest
import Logging
import Market
import Notifications
import Postgres
import ServiceLifecycle
import Store
import Synchronization

/// Keeps the evaluator's alerts those of the database, and takes what fires to the database, the outbox and the user's channel.
final class AlertService: Service {
    private struct State {
        var pipeline: MarketPipeline?
        var hasStarted = false
        /// What fired before was published already, and is only to be stored.
        var publishedUntil: Timestamp?
        var counters = AlertServiceCounters()
    }

    /// How often what was found is stored, unless something fires.
    private static let saveInterval = Duration.milliseconds(250)

    private let client: PostgresClient
    private let store: AlertStore
    private let journal: Journal
    private let publisher: any EventPublisher
    private let options: NotificationOptions
    private let decimals: @Sendable (Symbol) -> Int?
    private let live: LivePriceService?
    private let logger: Logger
    private let keeper: AlertKeeper
    private let windows: AlertWindows
    private let changes = AlertChangeQueue()
    private let startedAt = Timestamp.now
    private let state = Mutex(State())
    private let saves: AsyncStream<Void>
    private let save: AsyncStream<Void>.Continuation
    private let needed: AsyncStream<Void>
    private let needs: AsyncStream<Void>.Continuation

    init(
        client: PostgresClient, store: AlertStore, journal: Journal, publisher: any EventPublisher,
        options: NotificationOptions, decimals: @escaping @Sendable (Symbol) -> Int?, live: LivePriceService?,
        windows: AlertWindows, logger: Logger
    ) {
        self.decimals = decimals
        self.live = live
        self.windows = windows
        self.client = client
        self.store = store
        self.journal = journal
        self.publisher = publisher
        self.options = options
        self.logger = logger
        self.keeper = AlertKeeper(
            store: store, journal: journal, options: options, decimals: decimals, logger: logger)
        (self.needed, self.needs) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (self.saves, self.save) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Names the pipeline whose alerts these are, before its first tick; it needs this service's ``alertsFired(_:)`` and so is
    /// made later.
    func attach(_ pipeline: MarketPipeline) {
        pipeline.holdAlerts()
        self.state.withLock { $0.pipeline = pipeline }
    }

    /// Makes sure that the journal keeps what is still to be evaluated; before anything is recorded.
    func prepare() async throws {
        let position = try await self.store.position(in: self.journal.id)
        self.journal.keep(from: AlertCatchUp.place(position, self.journal))
    }

    /// Behind the newest tick that was handed to the journal.
    var journalEnd: TickPlace {
        let next = self.journal.next
        return TickPlace(trades: next.trades, quotes: next.quotes)
    }

    /// Takes alerts from a shard.
    ///
    /// The user's channel hears of them at once, whatever the database does.
    func alertsFired(_ alerts: [FiredAlert]) {
        let publishedUntil = self.state.withLock { $0.publishedUntil }
        let events = alerts.compactMap { fired -> ChannelEvent? in
            if fired.isStorm {
                self.logger.warning(
                    "Alert fires too often and is paused", metadata: ["alert.id": "\(fired.alert.id)"])
            }
            if let publishedUntil, fired.firedAt <= publishedUntil { return nil }
            do {
                let payloads = try NotificationPayloads(
                    fired, options: self.options, decimals: self.decimals(fired.alert.symbol))
                self.live?.alertFired(fired, title: payloads.content.title, body: payloads.content.body)
                return ChannelEvent(
                    channel: payloads.channelName, name: NotificationPayloads.channelEventName,
                    data: payloads.channelData)
            } catch {
                self.logger.error(
                    "Alert has no message", metadata: ["alert.id": "\(fired.alert.id)", "error": "\(error)"])
                return nil
            }
        }
        if !events.isEmpty { self.publisher.publish(events) }
        self.save.yield()
    }

    /// What alerts do now; `nil` before there is a pipeline.
    var heartbeat: AlertHeartbeat? {
        self.state.withLock { state in
            state.pipeline.map { AlertHeartbeat(status: $0.alertStatus, counters: state.counters) }
        }
    }

    private func beat() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: AlertHeartbeat.interval) } catch { return }
            guard let heartbeat else { continue }
            self.publisher.publish([
                ChannelEvent(
                    channel: AlertHeartbeat.channel, name: AlertHeartbeat.eventName, data: Array(heartbeat.json.utf8))
            ])
        }
    }

    /// What was done so far.
    var counters: AlertServiceCounters { self.state.withLock { $0.counters } }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.listen() }
                group.addTask { await self.follow() }
                group.addTask { await self.keep() }
                group.addTask { await self.fillWindows() }
                group.addTask { await self.beat() }
                group.addTask {
                    while !Task.isCancelled {
                        do { try await Task.sleep(for: Self.saveInterval) } catch { return }
                        self.save.yield()
                    }
                }
            }
        }
        // What came in the last moments; the next run would find it out again.
        guard let pipeline = self.state.withLock({ $0.pipeline }) else { return }
        do { try await self.keeper.save(from: pipeline) } catch {
            self.logger.warning("Alerts not stored at the end", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Changes

    private func listen() async {
        let listener = PostgresListener(
            channels: [AlertStore.changesChannel], client: self.client, logger: self.logger)
        do {
            try await listener.run { event in
                switch event {
                case .listening: self.changes.add(.all)
                case .notified(let notification): self.changes.add(AlertChanges(payload: notification.payload))
                }
            }
        } catch {
            if !Task.isCancelled {
                self.logger.error("Alert changes are not followed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func follow() async {
        var backOff = BackOff(longest: .seconds(5))
        for await _ in self.changes.signals {
            while !Task.isCancelled, let change = self.changes.take() {
                do {
                    try await self.apply(change)
                    backOff.reset()
                } catch {
                    if Task.isCancelled { return }
                    self.changes.add(change)
                    self.logger.warning("Alerts not loaded", metadata: ["error": "\(error)"])
                    do { try await Task.sleep(for: backOff.next()) } catch { return }
                }
            }
        }
    }

    private func apply(_ change: AlertChanges) async throws {
        guard let pipeline = self.state.withLock({ $0.pipeline }) else { return }
        let mustBegin = await self.keeper.hasOverflowed
        if mustBegin || !self.state.withLock({ $0.hasStarted }) {
            // All that is asked for is read then.
            try await self.begin(pipeline)
            return
        }
        switch change {
        case .all: try await self.readAll(pipeline)
        case .ids(let ranges): try await self.read(ranges, pipeline)
        }
        self.needs.yield()
    }

    /// Fills new windows, beside everything else: until then alerts see what comes.
    private func fillWindows() async {
        for await _ in self.needed {
            guard let pipeline = self.state.withLock({ $0.pipeline }) else { continue }
            var backOff = BackOff(longest: .seconds(5))
            do {
                let needs = try await pipeline.takeHistoryNeeds()
                while true {
                    do {
                        try await self.windows.fill(needs, of: pipeline, before: .now)
                        break
                    } catch let error as PostgresError where error.isTransient {
                        try await Task.sleep(for: backOff.next())
                    }
                }
            } catch {
                if Task.isCancelled { return }
                self.logger.warning(
                    "Windows of new alerts not filled: they fill up with what comes", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Loads all alerts and catches up with the present.
    private func begin(_ pipeline: MarketPipeline) async throws {
        await self.keeper.begin()
        let outcome = try await AlertCatchUp(
            store: self.store, journal: self.journal, pipeline: pipeline, windows: self.windows,
            startedAt: self.startedAt, logger: self.logger
        ).run()
        self.state.withLock { state in
            state.hasStarted = true
            state.publishedUntil = nil
            state.counters.alertsLoaded += outcome.alerts
            state.counters.ticksReplayed += outcome.ticks
            state.counters.loading = outcome.loading
        }
        self.save.yield()
        self.logger.info(
            "Alerts are evaluated",
            metadata: [
                "alerts": "\(outcome.alerts)", "load": "\(outcome.loading)", "ticks.replayed": "\(outcome.ticks)",
                "replay": "\(outcome.replaying)",
            ])
    }

    /// Reads all alerts: notifications were lost, or there were too many changes.
    private func readAll(_ pipeline: MarketPipeline) async throws {
        var ids: Set<Int64> = []
        try await self.store.forEachArmed(now: .now) { page in
            self.report(page)
            for entry in page.entries { ids.insert(entry.alert.id) }
            pipeline.changeAlerts(page.entries.map(\.alert))
        }
        pipeline.keepAlerts(only: ids)
        self.logger.debug("Alerts loaded", metadata: ["alerts": "\(ids.count)"])
    }

    private func read(_ ranges: [ClosedRange<Int64>], _ pipeline: MarketPipeline) async throws {
        let page = try await self.store.alerts(in: ranges)
        self.report(page)
        let present = Set(page.entries.map(\.alert.id))
        let removed = ranges.flatMap { $0.filter { !present.contains($0) } }
        pipeline.changeAlerts(page.entries.map(\.alert), removed: removed)
        self.state.withLock { $0.counters.changes += page.entries.count + removed.count }
    }

    private func report(_ page: AlertPage) {
        for (id, reason) in page.unreadable {
            self.logger.error("Alert not armed", metadata: ["alert.id": "\(id)", "error": "\(reason)"])
        }
    }

    // MARK: Storing

    private func keep() async {
        var backOff = BackOff(longest: .seconds(5))
        for await _ in self.saves {
            guard let pipeline = self.state.withLock({ $0.pipeline }) else { continue }
            do {
                try await self.keeper.save(from: pipeline)
                backOff.reset()
                if await self.keeper.hasOverflowed { self.overflowed() }
            } catch {
                if Task.isCancelled { return }
                do { try await Task.sleep(for: backOff.next()) } catch { return }
            }
            let (age, stored) = await (self.keeper.age, self.keeper.storedCount)
            self.state.withLock { state in
                state.counters.stored = stored
                state.counters.storedAt = Timestamp.now.advanced(byNanoseconds: -age.nanoseconds)
            }
        }
    }

    /// What was dropped was published: evaluated again it is only to be stored.
    private func overflowed() {
        self.state.withLock { state in
            if state.publishedUntil == nil { state.publishedUntil = .now }
        }
        self.changes.add(.all)
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        self.components.seconds * 1_000_000_000 + self.components.attoseconds / 1_000_000_000
    }
}
