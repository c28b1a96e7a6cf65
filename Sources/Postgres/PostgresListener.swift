public import Logging

/// Listens to channels for as long as the program runs, over as many connections as that takes.
public struct PostgresListener: Sendable {
    /// What a listener hears.
    public enum Event: Sendable, Hashable {
        /// Listening has begun, or begun again after a lost connection: what was notified in between is lost, so
        /// read the
        /// current state now.
        case listening
        /// A NOTIFY of a transaction that committed.
        case notified(PostgresNotification)
    }

    private let client: PostgresClient
    private let channels: [String]
    private let logger: Logger

    /// Makes a listener.
    ///
    /// - Parameters:
    ///   - channels: The names to LISTEN to.
    ///   - client: Gives the connection, one outside its pool.
    ///   - logger: Hears of lost connections.
    public init(channels: [String], client: PostgresClient, logger: Logger) {
        self.channels = channels
        self.client = client
        self.logger = logger
    }

    /// Calls `handle` with each event until the task is cancelled or the client is closed.
    ///
    /// - Throws: What `handle` throws, and errors that time does not mend, such as a malformed connection string.
    public func run(_ handle: (Event) async throws -> Void) async throws {
        var backOff = BackOff()
        while !Task.isCancelled {
            do {
                let connection = try await self.client.connect()
                let stream = try await connection.listen(self.channels)
                backOff.reset()
                try await handle(.listening)
                for await notification in stream { try await handle(.notified(notification)) }
                connection.close()
            } catch let error as PostgresError where error.isTransient {
                self.logger.warning("Lost the listening connection to PostgreSQL", metadata: ["error": "\(error)"])
            } catch PostgresError.cancelled {
                return
            }
            // A cancelled sleep ends the loop.
            try? await Task.sleep(for: backOff.next())
        }
    }
}
