import Channels
import Delivery
import FeedLanguage
import Foundation
import HTTPClient
import Ingest
import Logging
import Market
import NIOCore
import Notifications
import Postgres
import ServiceLifecycle
import Store

/// Puts feeds, pipeline, recorder, alerts and deliveries together.
struct IngestAssembly {
    /// The parts, ready to run.
    struct Parts {
        /// Recorder, alerts and deliveries: started before the feeds, stopped after them.
        let services: [any Service]
        let feeds: FeedService
        let metrics: @Sendable () -> String
        /// The answer of `/v1/feeds`.
        let feedStatus: @Sendable () -> String
        /// The answer of `/v1/stats`.
        let statistics: @Sendable () -> String
    }

    let settings: Settings
    let feeds: [SelectedFeed]
    let database: Database
    let catalog: SymbolCatalog
    let directory: SymbolDirectory
    let httpClient: HTTPClient
    let secret: WebhookSecret
    let publisher: any EventPublisher
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    /// Gets what a person should read.
    let announce: @Sendable (String) -> Void

    /// A hole waits a second for reordered ticks before it is written down: one that an earlier run had seen lies no further back.
    private static let lookBackSeconds = 10

    func assemble() async throws -> Parts {
        let journal = try Journal(
            JournalSettings(
                directory: self.settings.journalDirectory, bytesMax: Int64(self.settings.journalBytesMax)),
            logger: self.logger
        )
        let place = try await JournalPositions(client: self.database.client).reconcile(journal)
        let candles = CandleWriter(
            client: self.database.client, catalog: self.catalog, journal: journal.id, logger: self.logger)
        let recorder = Recorder(
            client: self.database.client, catalog: self.catalog, journal: journal, candles: candles,
            logger: self.logger)
        let deliveries = try DeliveryAssembly(
            settings: self.settings, client: self.database.client, httpClient: self.httpClient, secret: self.secret,
            logger: self.logger
        ).assemble()
        let prices = LatestPrices(venues: self.feeds.map(\.feed.name))
        let monitors = MonitorList()
        let live = try self.livePrices(prices, deliveries.sender) { monitors.dead }
        let alerts = AlertService(
            client: self.database.client,
            store: AlertStore(
                client: self.database.client, catalog: self.catalog,
                shownGrace: .milliseconds(self.settings.push.shownGraceMilliseconds)),
            journal: journal, publisher: self.publisher,
            options: try NotificationOptions(topic: self.settings.apnsTopic), decimals: { prices.decimals($0) },
            live: live,
            windows: AlertWindows(
                loader: AlertHistoryLoader(history: History(client: self.database.client, catalog: self.catalog)),
                recorded: {
                    while !recorder.hasTakenOver { try await Task.sleep(for: .milliseconds(20)) }
                    try await candles.flush()
                }, logger: self.logger),
            logger: self.logger
        )
        try await alerts.prepare()
        let watcher = GuardService(
            store: GuardStore(client: self.database.client, catalog: self.catalog, process: UUID().uuidString),
            journal: journal, logger: self.logger
        )
        let repairer = BackfillRunner(client: self.httpClient)
        let repair = GapRepair(repairer: repairer, records: watcher, logger: self.logger)
        let market = try await self.restoredMarket(journal, place)
        let pipeline = try await self.pipeline(
            market: market, recorder: recorder, alerts: alerts, watcher: watcher, repair: repair, prices: prices)
        repair.attach(pipeline)
        // What an earlier run could not finish is asked for at once, perhaps before the feeds are added.
        // Where a simulated market will be only its start tells.
        for selected in self.feeds
        where selected.recording == nil && (selected.url != nil || selected.feed.name.name != FeedSelection.simulator) {
            repairer.setFeed(selected.feed, url: selected.url.flatMap { AddressOverride($0) })
        }
        let left = try await watcher.takeOver(of: self.feeds.map(\.feed.name)) { pipeline.nextNumber() }
        let unnoticed = try await self.unnoticedGaps(in: market) { pipeline.nextNumber() }
        // Before anything new is recorded, which would hide them from the next start.
        try await watcher.write(unnoticed)
        repair.gapsChanged((left + unnoticed).map(GapChange.opened))
        let directory = self.directory
        let supervisor = try FeedSupervisor(
            eventLoopGroup: self.eventLoopGroup, httpClient: self.httpClient, logger: self.logger,
            events: { pipeline.take($1, of: $0) },
            prepare: { setup in
                directory.insert(setup.symbols.map { ($0, setup.feed.name) })
                pipeline.update(setup.feed.sequencing, of: setup.feed.name)
                pipeline.left(
                    setup.feed.name, symbols: setup.dropped, isAskedForOthers: setup.added.count < setup.symbols.count)
                pipeline.joined(setup.feed.name, symbols: setup.added)
                repairer.setFeed(setup.feed, url: setup.url)
            }, sink: { pipeline.ingest($0) }
        )
        monitors.attach(supervisor)
        let symbols = SymbolService(
            choices: SymbolChoices(client: self.database.client), client: self.database.client, supervisor: supervisor,
            logger: self.logger
        )
        try await symbols.start(with: self.feeds)
        let keeper = PartitionKeeper(
            client: self.database.client, catalog: self.catalog, retention: self.settings.retention,
            logger: self.logger)
        let feeds = FeedService(
            settings: self.settings, feeds: self.feeds, supervisor: supervisor, pipeline: pipeline,
            eventLoopGroup: self.eventLoopGroup, logger: self.logger,
            backlog: { Int(recorder.counters.pending) }, announce: self.announce
        )
        return Parts(
            services: [
                JournalService(journal: journal), CandleService(candles: candles), RecorderService(recorder: recorder),
                PartitionService(keeper: keeper), alerts, watcher, repair, symbols,
            ] + self.sending(deliveries, live), feeds: feeds,
            metrics: {
                MetricsText.feeds(supervisor.monitors) + MetricsText.pipeline(pipeline.counters)
                    + MetricsText.alerts(pipeline.alertStatus, alerts.counters)
                    + MetricsText.guardCounters(pipeline.guardCounters) + MetricsText.repair(waiting: repair.waiting)
                    + MetricsText.recorder(recorder.counters) + MetricsText.journal(journal.counters)
                    + MetricsText.candles(candles.counters) + deliveries.metrics()
                    + (live.map { MetricsText.livePrices($0.counters) } ?? "")
            }, feedStatus: { FeedReportText.json(supervisor.monitors.map(\.status)) },
            statistics: { "{\"alerts\":\(alerts.heartbeat?.json ?? "null")}" }
        )
    }

    /// What earlier runs left: in the database, and in the journal behind `place`.
    private func restoredMarket(
        _ journal: Journal, _ place: JournalPlace
    ) async throws -> RestoredMarket {
        // The windows begin with the kept candles.
        try await CandleBuilder(client: self.database.client, catalog: self.catalog, logger: self.logger)
            .mend(journal: journal.id)
        let now = Timestamp.now
        let day: Int64 = 86400 * 1_000_000_000
        let venues = self.feeds.filter { $0.recording == nil && $0.feed.sequencing.trades == .contiguous }
            .map(\.feed.name)
        var market = RestoredMarket(
            states: try await MarketRestorer(client: self.database.client, catalog: self.catalog).states(now: now),
            newestTrades: try await LastTrades(client: self.database.client)
                .load(since: now.advanced(byNanoseconds: -day)),
            runs: try await RecordedRuns(client: self.database.client)
                .load(of: venues, seconds: Self.lookBackSeconds, since: now.advanced(byNanoseconds: -day)),
            candles: try await RecentCandles(client: self.database.client).load(), contiguousVenues: Set(venues)
        )
        try market.takeWaiting(in: journal, after: place)
        return market
    }

    /// Holes before which an earlier run was killed that had seen them: it had not written them down yet.
    private func unnoticedGaps(
        in market: RestoredMarket, nextNumber: () -> UInt64
    ) async throws -> [FeedGap] {
        let recorded = RecordedRuns(client: self.database.client)
        var gaps: [FeedGap] = []
        for (venueSymbol, runs) in market.runs {
            for bounds in runs.holes {
                let missing = try await recorded.missing(venueSymbol, between: bounds)
                if missing == 0 { continue }
                gaps.append(
                    FeedGap(
                        id: nextNumber(), venue: venueSymbol.venue, symbols: [venueSymbol.symbol], bounds: bounds,
                        reason: .reconnect, missing: missing, openedAt: .now))
            }
        }
        return gaps
    }

    private func pipeline(
        market: RestoredMarket, recorder: Recorder, alerts: AlertService, watcher: GuardService, repair: GapRepair,
        prices: LatestPrices
    ) async throws -> MarketPipeline {
        let directory = self.directory
        var outputs = PipelineOutputs(
            record: { recorder.record($0) },
            saveStates: { states in
                directory.insert(states.lazy.map { ($0.state.symbol, $0.state.venue) })
                prices.take(states.lazy.map(\.state))
                recorder.record([], states: states.compactMap { LastTick($0.state, sequence: $0.sequence) })
            },
            alertsFired: { alerts.alertsFired($0) },
            gaps: { changes in
                watcher.gapsChanged(changes)
                repair.gapsChanged(changes)
            },
            quarantine: { watcher.quarantineChanged($0) }, publisher: self.publisher
        )
        outputs.place = { alerts.journalEnd }
        let loops = self.eventLoopGroup.makeIterator().map { $0 }
        let names = self.feeds.map(\.feed.name)
        var guardSettings = GuardSettings(
            cryptoBand: self.settings.cryptoBand, stockBand: self.settings.stockBand,
            isQuietNormal: { symbol, time in
                // Before and after the regular session minutes may pass without a trade.
                symbol.quoteCurrency == nil && !TradingCalendar.xnys.isOpen(at: time)
            }
        )
        for selected in self.feeds { guardSettings.sequencing[selected.feed.name] = selected.feed.sequencing }
        let pipeline = MarketPipeline(
            eventLoops: loops, venuePriority: names, sequenceStart: UInt64(Date().timeIntervalSince1970 * 1_000_000),
            settings: guardSettings, tellsCandles: self.settings.hasCandleChannels,
            stormGuard: self.settings.stormGuard, outputs: outputs
        )
        alerts.attach(pipeline)
        directory.insert(market.states.lazy.map { ($0.symbol, $0.venue) })
        prices.take(market.states)
        pipeline.restore(market.states)
        pipeline.restore(market.candles)
        pipeline.resume(after: market.newestTrades)
        // What is not asked for any more misses nothing, however long it stays away.
        let choices = try await SymbolChoices(client: self.database.client).load()
        for selected in self.feeds where selected.recording == nil {
            let asked = Set(selected.selection.entries(for: selected.feed, choices: choices).map(\.symbol))
            let known = market.states.filter { $0.venue == selected.feed.name }.map(\.symbol)
            pipeline.left(selected.feed.name, symbols: known.filter { !asked.contains($0) })
        }
        return pipeline
    }
}

extension MarketPipeline {
    /// Takes what a feed's connection tells.
    fileprivate func take(_ event: FeedEvent, of venue: Venue) {
        switch event {
        case .lost(let symbols, let time, let isStall, let reason):
            self.connectionLost(venue, symbols: symbols, at: time, isStall: isStall, reason: reason)
        case .restored(let symbols, let time): self.connectionRestored(venue, symbols: symbols, at: time)
        case .gap(let symbols, let from, let to, let since, let time):
            self.connectionGap(venue, symbols: symbols, from: from, to: to, since: since, at: time)
        case .trading(let statuses): self.tradingChanged(statuses)
        case .changed(let status):
            switch status {
            case .connecting, .subscribing: self.feedChanged(venue, to: .connecting)
            case .live: self.feedChanged(venue, to: .live)
            case .stalled(let reason): self.feedChanged(venue, to: .stale, reason: reason)
            case .waiting(_, _, let reason): self.feedChanged(venue, to: .stale, reason: reason)
            case .failed(let reason, _): self.feedChanged(venue, to: .failed, reason: reason)
            case .stopped: break
            }
        }
    }
}
