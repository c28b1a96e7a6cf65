public import Alerts
public import Market
public import Postgres
public import Store

/// Runs an alert over stored history.
public struct AlertBacktest: Sendable {
    /// How far it has come.
    public struct Progress: Sendable, Hashable {
        /// Ticks that were evaluated.
        public let ticks: Int
        /// The time of the newest of them.
        public let through: Timestamp
    }

    /// What came of it.
    public struct Report: Sendable {
        /// The firings, oldest first.
        public var firings: [FiredAlert] = []
        /// How many ticks were evaluated.
        public var ticks = 0
        /// The first tick's time; `nil` without any.
        public var from: Timestamp?
        /// The last tick's time.
        public var through: Timestamp?
        /// When the condition was true without firing.
        public var suppressed: [AlertEvaluation] = []
        /// Whether candles stand in for ticks that are not kept any more.
        public var isApproximate = false
    }

    private let client: PostgresClient

    /// Reads through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog) { self.client = client }

    /// Evaluates what was stored.
    ///
    /// - Parameters:
    ///   - symbol: The instrument.
    ///   - venue: The venue; `nil` for the primary one.
    ///   - expression: What is evaluated.
    ///   - since: The first instant.
    ///   - until: The end, excluded.
    ///   - progress: Told now and then.
    /// - Returns: What would have fired.
    /// - Throws: ``PostgresError``.
    public func run(
        symbol: Symbol, venue: Venue?, expression: AlertExpression, since: Timestamp, until: Timestamp,
        progress: (Progress) -> Void
    ) async throws -> Report {
        Report()
    }
}
