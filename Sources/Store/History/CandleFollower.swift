import Market
public import Postgres

/// Reads the candles of the past and goes on with each one when it is closed.
///
/// A candle is closed when its end has passed and two looks, a second apart, found it alike: trades that were under way have
/// arrived. What changes a closed candle later is told as a change.
public struct CandleFollower: Sendable {
    /// What a follower tells.
    public enum Event: Sendable {
        /// Closed candles, the next ones. One that came late may be earlier than those before.
        case closed([RecordedCandle])
        /// The newest candle as it is now.
        case open(RecordedCandle)
        /// A late tick or a repair has changed a candle that was told as closed.
        case changed(from: RecordedCandle, to: RecordedCandle)
        /// The database cannot be reached; it is tried again.
        case interrupted(PostgresError)
        /// The database is back.
        case resumed
    }

    /// So many closed candles are watched for changes.
    public static let watchedMax = 300

    private let query: CandleQuery
    private let history: History
    private let pollEvery: Duration

    /// Makes a follower.
    ///
    /// - Parameters:
    ///   - query: The candles wanted; it must have no end.
    ///   - history: The database.
    ///   - pollEvery: How often it looks.
    public init(_ query: CandleQuery, in history: History, pollEvery: Duration = .seconds(1)) {
        self.query = query
        self.history = history
        self.pollEvery = pollEvery
    }

    /// Calls `handle` with each event until the task is cancelled.
    ///
    /// - Throws: ``StoreError``, ``PostgresError`` before the first look and for errors that time does not mend, or what `handle`
    ///   throws.
    public func run(_ handle: (Event) async throws -> Void) async throws {
        var watch = CandleWatch(CandleGrid(self.query.symbol, self.query.interval), watchedMax: Self.watchedMax)
        let now = try await self.now()
        try await self.history.candles(self.query) { candles in
            for event in watch.past(candles, now: now) { try await handle(event) }
        }
        var backOff = BackOff(first: self.pollEvery, longest: .seconds(5))
        var isInterrupted = false
        while true {
            try await Task.sleep(for: isInterrupted ? backOff.next() : self.pollEvery)
            do {
                let now = try await self.now()
                var query = self.query
                query.count = nil
                query.since = watch.since ?? query.since
                let candles = try await self.history.candles(query)
                if isInterrupted { try await handle(.resumed) }
                isInterrupted = false
                backOff.reset()
                for event in watch.look(candles, now: now) { try await handle(event) }
            } catch let error as PostgresError where error.isTransient {
                if !isInterrupted { try await handle(.interrupted(error)) }
                isInterrupted = true
            }
        }
    }

    /// The time by the database's clock, by which event times are judged when they are recorded.
    private func now() async throws -> Timestamp {
        try await self.history.client.query("SELECT clock_timestamp()")[0].timestamp(0)
    }
}
