import Backplane
import Channels
import Delivery
import FeedLanguage
import Foundation
import Gateway
import HTTPClient
import Hummingbird
public import Logging
import Ingest
import Market
import NIOCore
import NIOPosix
import Notifications
import Postgres
import ServiceLifecycle
import Store
import UnixSignals

/// Runs `up`, `ingest` or `gateway` from start to clean stop.
public struct ServiceRunner: Sendable {
    /// What runs in this process.
    public enum Kind: String, Sendable {
        /// Feeds, alerts, deliveries and gateway.
        case up
        /// Feeds, alerts and deliveries; events go to a gateway elsewhere.
        case ingest
        /// The gateway.
        case gateway
    }

    /// What a batch of the HTTP API may hold here; hosted Pusher's ten would slow an ingester down.
    static let gatewayBatchMax = 1000

    let kind: Kind
    let settings: Settings
    let logger: Logger

    /// Prepares a run; nothing happens before ``run(announce:)``.
    public init(kind: Kind, settings: Settings, logger: Logger) {
        self.kind = kind
        self.settings = settings
        self.logger = logger
    }

    /// Runs until SIGINT or SIGTERM, then stops in order: feeds, gateway, recorder, PostgreSQL.
    ///
    /// - Parameter announce: Gets what a person should read once the service is up.
    /// - Throws: ``SetupError`` and the errors of the parts when the start fails; a part's error when it fails later.
    public func run(announce: @escaping @Sendable (String) -> Void) async throws {
        // Everything that can be wrong with the settings shows before anything is started.
        let feeds = self.kind == .gateway ? [] : try FeedSelection.load(self.settings, logger: self.logger)
        let apps = try AppSettings.load(self.settings)
        let secret = try WebhookSecretFile.loadOrCreate(in: self.settings.dataDirectory)
        let httpClient = HTTPClient(version: TickwireVersion.current)
        guard
            let database = try await StopSignal.cancelling({
                try await Database.open(self.settings, wait: self.settings.databaseWait, logger: self.logger)
            })
        else {
            await httpClient.shutdown()
            return
        }
        do {
            let services = try await self.services(
                feeds: feeds, apps: apps, secret: secret, database: database, httpClient: httpClient,
                announce: announce
            )
            var configuration = ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: self.quietLogger
            )
            configuration.maximumGracefulShutdownDuration = .seconds(3) + self.settings.gateway.drainWindow
            try await ServiceGroup(configuration: configuration).run()
            await self.close(database, httpClient)
        } catch {
            await self.close(database, httpClient)
            throw error
        }
        self.logger.info("Stopped")
    }

    private func close(_ database: Database, _ httpClient: HTTPClient) async {
        await httpClient.shutdown()
        await database.close(logger: self.logger)
    }

    /// For the life cycle's own words, which say little that our services do not say better.
    private var quietLogger: Logger {
        var logger = self.logger
        logger.logLevel = max(.error, logger.logLevel)
        return logger
    }

    // MARK: Wiring

    private func services(
        feeds: [SelectedFeed], apps: [AppSettings], secret: WebhookSecret, database: Database,
        httpClient: HTTPClient, announce: @escaping @Sendable (String) -> Void
    ) async throws -> [ServiceGroupConfiguration.ServiceConfiguration] {
        let group = MultiThreadedEventLoopGroup.singleton
        let catalog = SymbolCatalog(client: database.client)
        let directory = SymbolDirectory(hasCandles: self.settings.hasCandleChannels)
        let bus = self.settings.nats.map { NATSConnection(servers: $0, logger: self.logger) }
        let hub = Hub(
            apps: self.kind == .ingest ? [] : apps.map(\.app), eventLoopGroup: group,
            options: Hub.Options(connectionBytesPerSecondMax: self.settings.connectionBytesPerSecondMax),
            backplane: self.kind == .ingest
                ? nil : bus.map { .init(bus: $0, isFeeding: self.kind == .up, logger: self.logger) })
        var services: [any Service] = []
        var metrics: [@Sendable () -> String] = []
        if let bus, self.kind != .ingest {
            services.append(ClusterService(hub: hub))
            metrics.append { BackplaneMetrics.text(bus.counters, malformed: hub.malformedMessages) }
        }
        var runsFeeds: FeedService?
        var feedStatus: (@Sendable () -> String)?
        var statistics: (@Sendable () -> String)?
        let webhooks = WebhookSender(client: httpClient, allowsPrivateAddresses: self.settings.allowPrivateWebhooks)
            .service(for: self.kind == .ingest ? [] : apps, logger: self.logger)
        services.append(webhooks)
        metrics.append { webhooks.metrics }

        let tokens = TokenCache(store: AccountStore(client: database.client), logger: self.logger)
        if self.kind != .ingest { services.append(TaskService { await tokens.run() }) }
        let relay = EncryptedRelay(base: hub, apps: apps, eventLoopGroup: group) { hub.publish($0, app: $1) }

        if self.kind == .gateway {
            services.append(self.directoryService(directory, LastTicks(client: database.client, catalog: catalog)))
        } else {
            let publisher: any EventPublisher
            if self.kind == .up {
                publisher = relay
            } else if let bus {
                publisher = self.publisher(bus, apps, httpClient, &services, &metrics)
            } else if let url = self.settings.publishURL {
                let all = PublisherGroup(url: url, apps: apps, settings: self.settings, httpClient, self.logger)
                services.append(contentsOf: all.publishers.map { http in TaskService { await http.run() } })
                metrics.append { MetricsText.publisher(all.counters) }
                publisher = all
            } else {
                publisher = NoPublisher()
            }
            let ingest = try await IngestAssembly(
                settings: self.settings, feeds: feeds, database: database, catalog: catalog, directory: directory,
                httpClient: httpClient, secret: secret, publisher: publisher, eventLoopGroup: group,
                logger: self.logger,
                announce: announce
            ).assemble()
            services.append(contentsOf: ingest.services)
            metrics.append(ingest.metrics)
            runsFeeds = ingest.feeds
            feedStatus = ingest.feedStatus
            statistics = ingest.statistics
        }
        let listeners = AlertListeners(store: AlertPresenceStore(client: database.client), logger: self.logger)
        let mustKnowListeners = self.settings.push.shownGraceMilliseconds > 0 && self.kind != .ingest
        if mustKnowListeners { services.append(listeners) }
        if self.kind != .ingest { metrics.append { listeners.metrics } }
        let texts = metrics
        var hooks = GatewayHooks()
        hooks.validateChannel = { directory.problem(with: $0) }
        let hasWebhooks = apps.contains { !$0.webhooks.isEmpty || $0.encryptionMasterKey != nil }
        if hasWebhooks || mustKnowListeners {
            hooks.channelActivity = { app, activity in
                relay.take(activity, app: app)
                if mustKnowListeners { listeners.take(activity, app: app) }
            }
            hooks.ownActivity = { app, activity in webhooks.take(activity, app: app) }
        }
        hooks.notReadyReason = { hub.clusterReason }
        if let bus {
            hooks.readyText = {
                bus.counters.isConnected ? "ready, with NATS" : "ready, but alone: NATS is not connected"
            }
        }
        hooks.metrics = { texts.map { $0() }.joined() }
        let auth = AuthRoutes(apps: apps, tokens: tokens, origins: self.settings.authOrigins)
        let alerts = AlertRoutes(
            store: AlertStore(client: database.client, catalog: catalog),
            lastTicks: LastTicks(client: database.client, catalog: catalog), tokens: tokens, settings: self.settings,
            logger: self.logger, listeners: listeners)
        let credentials = try PushCredentials(self.settings)
        let webKey = credentials.vapidSubject == nil ? nil : credentials.vapid?.publicKey
        let dashboard = DashboardRoutes(appKey: apps[0].app.signingCredentials.key, vapidPublicKey: webKey)
        let candles = CandleRoutes(
            history: History(client: database.client, catalog: catalog), problem: { directory.problem(with: $0) },
            logger: self.logger)
        let account = AccountRoutes(
            devices: DeviceStore(client: database.client), live: LiveStore(client: database.client),
            problem: { directory.has($0) ? nil : "There is no price of \($0) yet" }, tokens: tokens,
            settings: self.settings, logger: self.logger)
        let beams = self.settings.beamsInstance.map { instance in
            BeamsRoutes(
                instance: instance, webhooks: self.settings.beamsWebhooks,
                store: BeamsStore(client: database.client), webKey: webKey, endpoints: self.settings.webPushRules,
                apnsEnvironment: self.settings.push.apnsEnvironment, logger: self.logger)
        }
        if let beams, self.kind != .ingest { services.append(TaskService { await beams.run() }) }
        hooks.routes = { [kind, feedStatus, statistics] router in
            router.get("/v1/symbols") { _, _ in JSONAnswer(text: directory.json) }
            if let bus { router.get("/v1/backplane") { _, _ in JSONAnswer(text: BackplaneReport.json(bus, hub)) } }
            if let feedStatus { router.get("/v1/feeds") { _, _ in JSONAnswer(text: feedStatus()) } }
            if let statistics { router.get("/v1/stats") { _, _ in JSONAnswer(text: statistics()) } }
            if kind != .ingest {
                auth.add(to: router)
                alerts.add(to: router)
                account.add(to: router)
                candles.add(to: router)
                dashboard.add(to: router)
                beams?.add(to: router)
            }
        }
        services.append(self.server(apps[0].app, hub, hooks, announce))
        // Feeds come last: what is started last is stopped first.
        let others = services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        guard let runsFeeds else { return others }
        // They end by themselves when all that they had to play was recordings.
        return others + [.init(service: runsFeeds, successTerminationBehavior: .gracefullyShutdownGroup)]
    }

    /// Publishes to the gateways over NATS, and to hosted Pusher when that is set as well.
    private func publisher(
        _ bus: NATSConnection, _ apps: [AppSettings], _ client: HTTPClient, _ services: inout [any Service],
        _ metrics: inout [@Sendable () -> String]
    ) -> any EventPublisher {
        let sealed = self.settings.publishesEncrypted ? apps : []
        let relay = EventRelay(
            bus: bus, apps: apps.map(\.app.id),
            encryptions: sealed.compactMap { app in app.encryption.map { (app.app.id, $0) } }, logger: self.logger)
        services.append(TaskService { await relay.run() })
        metrics.append { BackplaneMetrics.text(bus.counters, malformed: relay.malformed) }
        guard let url = self.settings.publishURL else { return relay }
        let hosted = PublisherGroup(url: url, apps: apps, settings: self.settings, client, self.logger)
        services.append(contentsOf: hosted.publishers.map { http in TaskService { await http.run() } })
        metrics.append { MetricsText.publisher(hosted.counters) }
        return BothPublishers(first: relay, second: hosted)
    }

    private func server(
        _ app: App, _ hub: Hub, _ hooks: GatewayHooks, _ announce: @escaping @Sendable (String) -> Void
    ) -> GatewayServer {
        var options = self.settings.gateway
        options.publish.batchMax = Self.gatewayBatchMax
        options.publish.bodyBytesMax = max(options.publish.bodyBytesMax, 4 << 20)
        var hooks = hooks
        let kind = self.kind
        let settings = self.settings
        hooks.onListening = { address in
            announce(Announcement(kind: kind, settings: settings, app: app, port: address.port ?? settings.port).text)
        }
        return GatewayServer(
            hub: hub, host: self.settings.bind, port: self.settings.port, options: options, hooks: hooks,
            logger: self.logger
        )
    }

    /// Keeps a gateway's symbols current from the database, which another process fills.
    private func directoryService(_ directory: SymbolDirectory, _ lastTicks: LastTicks) -> TaskService {
        let logger = self.logger
        return TaskService {
            while !Task.isCancelled {
                do {
                    directory.insert(try await lastTicks.load().map { ($0.symbol, $0.venue) })
                } catch {
                    if !Task.isCancelled { logger.warning("Symbols not read", metadata: ["error": "\(error)"]) }
                }
                do { try await Task.sleep(for: .seconds(2)) } catch { return }
            }
        }
    }
}

/// A task as a service: cancelled at graceful shutdown.
struct TaskService: Service {
    private let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

    func run() async throws { await cancelWhenGracefulShutdown { await self.work() } }
}

/// The node's place among others: comes with the gateway, and leaves after its clients.
private struct ClusterService: Service {
    let hub: Hub

    func run() async throws {
        self.hub.startCluster()
        // Ends by cancellation otherwise: then nobody is left to say goodbye to.
        try? await gracefulShutdown()
        await self.hub.stopCluster()
    }
}

/// Hands events to two publishers.
private struct BothPublishers: EventPublisher {
    let first: any EventPublisher
    let second: any EventPublisher

    func publish(_ events: [Channels.ChannelEvent]) {
        self.first.publish(events)
        self.second.publish(events)
    }
}

/// For an ingester without a transport: events have nobody to go to.
private struct NoPublisher: EventPublisher {
    func publish(_ events: [Channels.ChannelEvent]) {}
}
