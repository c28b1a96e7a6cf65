public import Alerts
import Ingest
public import Market
public import Postgres
public import Store

/// Runs an alert over stored history: the evaluator of the service, tick by tick, with memory that does not grow with their number.
///
/// Ticks are taken in the order of the history, each at the time at which it happened, as if no feed had ever failed. Of days whose
/// ticks are not kept any more the candles of a minute stand in: open, low and high (the one that the close is farther from
/// first), close.
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
        /// The firings, oldest first; ``firingsMax`` at most.
        public var firings: [FiredAlert] = []
        /// How many ticks were evaluated.
        public var ticks = 0
        /// The first tick's time; `nil` without any.
        public var from: Timestamp?
        /// The last tick's time.
        public var through: Timestamp?
        /// When the condition was true without firing; ``firingsMax`` at most.
        public var suppressed: [AlertEvaluation] = []
        /// Whether candles stand in for ticks that are not kept any more, or quotes are not kept.
        public var isApproximate = false
        /// Whether it ended early, because there were too many firings.
        public var isCutOff = false
        /// Whose ticks those were.
        public var venue: Venue?
        /// How long it took.
        public var elapsed = Duration.zero

        /// Ticks a second.
        public var speed: Double {
            let seconds = self.elapsed / .seconds(1)
            return seconds > 0 ? Double(self.ticks) / seconds : 0
        }
    }

    /// Firings that are listed; who has more wants another alert.
    public static let firingsMax = 100_000

    private let client: PostgresClient
    private let history: History

    /// Reads through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog) {
        self.client = client
        self.history = History(client: client, catalog: catalog)
    }

    /// Evaluates what was stored.
    ///
    /// Stops with `CancellationError` when the task is cancelled.
    ///
    /// - Parameters:
    ///   - symbol: The instrument.
    ///   - venue: The venue; `nil` for the one that drives the symbol, or else has the most trades.
    ///   - expression: What is evaluated.
    ///   - since: The first instant.
    ///   - until: The end, excluded.
    ///   - progress: Told every few thousand ticks.
    /// - Returns: What would have fired.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)``,
    ///   ``StoreError/invalidRange(_:)`` or ``PostgresError``.
    public func run(
        symbol: Symbol, venue: Venue?, expression: AlertExpression, since: Timestamp, until: Timestamp,
        progress: (Progress) -> Void
    ) async throws -> Report {
        let began = ContinuousClock.now
        var run = AlertBacktestRun(
            alert: Alert(id: 1, user: "backtest", symbol: symbol, venue: venue, expression: expression), since: since)
        run.report.venue = try await self.driver(of: symbol, venue, since: since, until: until)
        let source = expression.condition.venues == nil ? run.report.venue : nil
        if let venue = run.report.venue {
            try await self.seed(&run, symbol, venue, before: since)
        }
        do {
            for part in try await self.parts(since: since, until: until) {
                try Task.checkCancellation()
                if part.isKept {
                    var query = TickQuery(
                        symbol: symbol, venue: source, since: part.since, until: part.until, kinds: [.trades])
                    if expression.condition.needsQuotes { query.kinds.insert(.quotes) }
                    try await self.history.ticks(query) { ticks in
                        try run.take(ticks)
                        if let through = run.report.through {
                            progress(Progress(ticks: run.report.ticks, through: through))
                        }
                    }
                } else {
                    try await self.takeCandles(symbol, part, &run, progress)
                }
            }
            run.finish(at: until)
        } catch is AlertBacktestRun.Ended {
            // Spent, or too many firings.
        }
        if expression.condition.needsQuotes, try await self.hasDropped("quotes", since, until) {
            run.report.isApproximate = true
        }
        run.report.elapsed = ContinuousClock.now - began
        return run.report
    }

    // MARK: Reading

    /// A stretch of time of which ticks are kept, or only candles.
    private struct Part {
        var since: Timestamp
        var until: Timestamp
        var isKept: Bool
    }

    private static let day: Int64 = 86_400_000_000_000

    /// The venue whose ticks an alert without a venue would have followed.
    private func driver(
        of symbol: Symbol, _ venue: Venue?, since: Timestamp, until: Timestamp
    ) async throws -> Venue? {
        if let venue { return venue }
        let rows = try await self.client.query(
            """
            SELECT venues.name
            FROM venues
            LEFT JOIN alert_streams ON alert_streams.venue_id = venues.id AND is_primary
                AND alert_streams.symbol_id = (SELECT id FROM symbols WHERE name = $1)
            LEFT JOIN last_ticks ON last_ticks.venue_id = venues.id
                AND last_ticks.symbol_id = (SELECT id FROM symbols WHERE name = $1)
            LEFT JOIN (
                SELECT venue_id AS id, sum(trade_count) AS trade_total FROM candles
                WHERE symbol_id = (SELECT id FROM symbols WHERE name = $1) AND interval_seconds = 3600
                  AND start >= $2::timestamptz - interval '1 hour' AND start < $3::timestamptz
                GROUP BY 1
            ) AS counts USING (id)
            -- What was recorded a moment ago is in no candle of an hour yet.
            WHERE trade_total > 0 OR last_ticks.last_price IS NOT NULL
            ORDER BY is_primary IS NULL, trade_total DESC NULLS LAST, last_ticks.received_time DESC LIMIT 1
            """,
            [.text(symbol.name), .text("\(since)"), .text("\(until)")])
        return try rows.first.map { try Venue($0.text(0)) }
    }

    /// The range in stretches, oldest first.
    private func parts(since: Timestamp, until: Timestamp) async throws -> [Part] {
        let rows = try await self.client.query(
            """
            SELECT extract(epoch FROM day)::bigint FROM dropped_days
            WHERE stream = 'trades' AND day >= $1::timestamptz::date - 1 AND day <= $2::timestamptz::date + 1 ORDER BY day
            """,
            [.text("\(since)"), .text("\(until)")])
        var parts: [Part] = []
        var next = since
        for row in rows {
            let start = max(next, Timestamp(nanoseconds: try row.integer(0) * 1_000_000_000))
            let end = min(until, Timestamp(nanoseconds: try row.integer(0) * 1_000_000_000 + Self.day))
            guard start < end else { continue }
            if next < start { parts.append(Part(since: next, until: start, isKept: true)) }
            if let last = parts.last, !last.isKept, last.until == start {
                parts[parts.count - 1].until = end
            } else {
                parts.append(Part(since: start, until: end, isKept: false))
            }
            next = end
        }
        if next < until || parts.isEmpty { parts.append(Part(since: next, until: until, isKept: true)) }
        return parts
    }

    private func hasDropped(_ stream: String, _ since: Timestamp, _ until: Timestamp) async throws -> Bool {
        try await !self.client.query(
            """
            SELECT FROM dropped_days
            WHERE stream = $1 AND day >= $2::timestamptz::date AND day <= $3::timestamptz::date LIMIT 1
            """,
            [.text(stream), .text("\(since)"), .text("\(until)")]
        ).isEmpty
    }

    private func takeCandles(
        _ symbol: Symbol, _ part: Part, _ run: inout AlertBacktestRun, _ progress: (Progress) -> Void
    ) async throws {
        guard let venue = run.report.venue else { return }
        let query = CandleQuery(
            symbol: symbol, venue: venue, interval: .minute, since: part.since, until: part.until)
        // Copied in and out: the closure must not hold on to it.
        var taken = run
        defer { run = taken }
        try await self.history.candles(query) { candles in
            for candle in candles { try taken.take(candle, symbol, venue) }
            if let through = taken.report.through {
                progress(Progress(ticks: taken.report.ticks, through: through))
            }
        }
    }

    /// Fills the windows with what happened before.
    private func seed(
        _ run: inout AlertBacktestRun, _ symbol: Symbol, _ venue: Venue, before since: Timestamp
    ) async throws {
        let alert = run.alert
        guard let length = run.evaluator.historyNeeded(for: symbol, venue: alert.venue) else { return }
        let need = AlertHistoryNeed(symbol: symbol, venue: venue, isPrimary: true, length: length)
        run.evaluator.seed(try await AlertHistoryLoader(history: self.history).load(need, before: since))
    }
}

extension AlertCondition {
    /// Whether quotes decide about it.
    fileprivate var needsQuotes: Bool {
        switch self {
        case .spread, .silence: true
        case .level, .crossing, .inside, .enters, .leaves, .move, .newHigh, .newLow, .volume, .divergence: false
        }
    }

    /// The venues that are compared; `nil` when only one is looked at.
    fileprivate var venues: (Venue, Venue)? {
        if case .divergence(_, let first, let second) = self { (first, second) } else { nil }
    }
}
