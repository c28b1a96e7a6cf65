import HTTPClient
public import Logging
import ServiceLifecycle
import UnixSignals

/// Runs `deliver`: the deliveries alone, from start to clean stop.
public struct DeliveryRunner: Sendable {
    private let settings: Settings
    private let logger: Logger

    /// Prepares a run.
    public init(settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Runs until SIGINT or SIGTERM.
    ///
    /// - Parameter announce: Gets what a person should read once deliveries are sent.
    /// - Throws: ``SetupError`` and the errors of the parts when the start fails.
    public func run(announce: @escaping @Sendable (String) -> Void) async throws {
        let secret = try WebhookSecretFile.loadOrCreate(in: self.settings.dataDirectory)
        guard
            let database = try await StopSignal.cancelling({
                try await Database.open(self.settings, wait: self.settings.databaseWait, logger: self.logger)
            })
        else { return }
        let httpClient = HTTPClient(version: TickwireVersion.current)
        do {
            let parts = try DeliveryAssembly(
                settings: self.settings, client: database.client, httpClient: httpClient, secret: secret,
                logger: self.logger
            ).assemble()
            var quiet = self.logger
            quiet.logLevel = max(.error, quiet.logLevel)
            var configuration = ServiceGroupConfiguration(
                services: parts.services, gracefulShutdownSignals: [.sigint, .sigterm], logger: quiet)
            configuration.maximumGracefulShutdownDuration = .seconds(5)
            announce("Delivering. 'tickwire deliver status' shows the lanes; Ctrl-C stops it.")
            try await ServiceGroup(configuration: configuration).run()
            await httpClient.shutdown()
            await database.close(logger: self.logger)
        } catch {
            await httpClient.shutdown()
            await database.close(logger: self.logger)
            throw error
        }
        self.logger.info("Stopped")
    }
}
