import Alerts
import Ingest
import Logging
import Market
import Notifications
import Postgres
import Store

/// Stores what the alerts' evaluators find: cuts that a pipeline gives, each in one transaction with how far it reaches.
///
/// While PostgreSQL is away cuts are merged, so that memory grows with the alerts that change and with what fires, up to a bound.
/// Beyond it everything is dropped and evaluated again from the journal when the database is back: positions move only with it.
actor AlertKeeper {
    /// Firings that wait for the database at most.
    static let eventsMax = 100_000
    /// How often cuts are stored that move nothing but the position.
    private static let idleInterval = Duration.seconds(1)

    private let store: AlertStore
    private let journal: Journal
    private let options: NotificationOptions
    private let decimals: @Sendable (Symbol) -> Int?
    private let logger: Logger
    private let eventsMax: Int

    private var events: [FiredAlert] = []
    private var changes: [Int64: AlertMemory] = [:]
    private var streams: [VenueSymbol: (stream: EvaluatedStream, place: TickPlace)] = [:]
    private var place: TickPlace?
    private var storedPlace: TickPlace?
    private var storedAt = ContinuousClock.now
    private var isWaiting = false
    private var isSaving = false
    /// Everything was dropped; see ``begin()``.
    private(set) var hasOverflowed = false
    /// Firings that were stored.
    private(set) var storedCount = 0

    init(
        store: AlertStore, journal: Journal, options: NotificationOptions,
        decimals: @escaping @Sendable (Symbol) -> Int?, eventsMax: Int = AlertKeeper.eventsMax, logger: Logger
    ) {
        self.decimals = decimals
        self.store = store
        self.journal = journal
        self.options = options
        self.eventsMax = eventsMax
        self.logger = logger
    }

    /// How long ago something was stored.
    var age: Duration { ContinuousClock.now - self.storedAt }

    /// Forgets what waits: the evaluators begin again at what is stored.
    func begin() {
        self.drop()
        self.hasOverflowed = false
        self.storedPlace = nil
    }

    private func drop() {
        self.events = []
        self.changes = [:]
        self.streams = [:]
        self.place = nil
    }

    /// Takes what was found, and stores it with what waits.
    ///
    /// - Throws: `PostgresError` when the database is away; then everything waits.
    func save(from pipeline: MarketPipeline) async throws {
        guard !self.isSaving else { return }
        self.isSaving = true
        defer { self.isSaving = false }
        let (cuts, isWhole) = try await pipeline.takeAlertCuts()
        if self.hasOverflowed { return }
        self.merge(cuts, isWhole: isWhole)
        if self.events.count > self.eventsMax {
            self.logger.error(
                "Firings are dropped and evaluated again later: too many wait for PostgreSQL",
                metadata: ["alerts.fired": "\(self.events.count)"])
            self.drop()
            self.hasOverflowed = true
            return
        }
        guard let place, isWhole else { return }
        let hasNews = !self.events.isEmpty || !self.changes.isEmpty || !self.streams.isEmpty
        if !hasNews, place == self.storedPlace || ContinuousClock.now - self.storedAt < Self.idleInterval { return }
        // PostgreSQL must not know more than the disk: numbers of lost ticks would be given again.
        let isSynced = await self.journal.sync()
        let limit = isSynced ? JournalPlace(place) : self.synced(JournalPlace(place))
        try await self.store(upTo: limit)
        self.storedPlace = place
        self.journal.keep(from: limit)
    }

    private func synced(_ place: JournalPlace) -> JournalPlace {
        JournalPlace(
            trades: min(place.trades, self.journal.end(of: .trades)),
            quotes: min(place.quotes, self.journal.end(of: .quotes)))
    }

    private func merge(_ cuts: [AlertCut], isWhole: Bool) {
        for cut in cuts {
            self.events += cut.fired
            for var change in cut.changes {
                change.isStorm = change.isStorm || self.changes[change.id]?.isStorm == true
                self.changes[change.id] = change
            }
            for stream in cut.streams { self.streams[VenueSymbol(stream.symbol, stream.venue)] = (stream, cut.place) }
        }
        guard isWhole, let first = cuts.first else { return }
        self.place = cuts.reduce(first.place) { TickPlace.earlier($0, $1.place) }
    }

    /// Stores everything that waits.
    private func store(upTo place: JournalPlace) async throws {
        var checkpoint = AlertCheckpoint()
        checkpoint.position = (self.journal.id, place)
        checkpoint.streams = self.streams.values.map { stream, end in
            AlertCheckpoint.StreamRow(stream, place: JournalPlace(end))
        }
        checkpoint.states = Array(self.changes.values)
        checkpoint.events = self.events.compactMap { self.event($0) }
        do {
            self.storedCount += try await self.store.store(checkpoint)
        } catch let error as PostgresError where Self.isRefusal(error) {
            self.logger.error("What alerts found is stored one by one", metadata: ["error": "\(error)"])
            try await self.storeSingly(checkpoint)
        } catch {
            if !self.isWaiting { self.logger.warning("Alerts wait for PostgreSQL", metadata: ["error": "\(error)"]) }
            self.isWaiting = true
            throw error
        }
        if self.isWaiting { self.logger.info("Alerts are stored again") }
        self.isWaiting = false
        self.storedAt = ContinuousClock.now
        self.events = []
        self.changes = [:]
        self.streams = [:]
    }

    /// One row that PostgreSQL refuses does not take the others with it.
    private func storeSingly(_ checkpoint: AlertCheckpoint) async throws {
        for event in checkpoint.events {
            var single = AlertCheckpoint()
            single.events = [event]
            try await self.storeOrDrop(single, "alert \(event.fired.alert.id), crossing \(event.fired.crossing)")
        }
        for state in checkpoint.states {
            var single = AlertCheckpoint()
            single.states = [state]
            try await self.storeOrDrop(single, "state of alert \(state.id)")
        }
        var rest = AlertCheckpoint()
        rest.position = checkpoint.position
        rest.streams = checkpoint.streams
        try await self.storeOrDrop(rest, "the position")
    }

    private func storeOrDrop(_ checkpoint: AlertCheckpoint, _ what: String) async throws {
        do {
            self.storedCount += try await self.store.store(checkpoint)
        } catch let error as PostgresError where Self.isRefusal(error) {
            self.logger.error("Not stored", metadata: ["alerts.record": "\(what)", "error": "\(error)"])
        }
    }

    /// Whether PostgreSQL will say no again.
    private static func isRefusal(_ error: PostgresError) -> Bool {
        switch error {
        case .data, .refused, .unexpectedValue: true
        case .cannotConnect, .connectionLost, .serialization, .outOfResources, .cancelled, .closed,
            .malformedConnectionString:
            false
        }
    }

    private func event(_ fired: FiredAlert) -> AlertCheckpoint.Event? {
        do {
            return AlertCheckpoint.Event(
                fired,
                try NotificationPayloads(
                    fired, options: self.options, decimals: self.decimals(fired.alert.symbol)))
        } catch {
            self.logger.error("Alert has no message", metadata: ["alert.id": "\(fired.alert.id)", "error": "\(error)"])
            return nil
        }
    }
}

extension JournalPlace {
    /// The journal's word for a place of the pipeline.
    init(_ place: TickPlace) { self.init(trades: place.trades, quotes: place.quotes) }
}
