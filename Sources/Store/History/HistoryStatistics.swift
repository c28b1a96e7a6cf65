public import Market

/// How much was recorded of a symbol, and what is missing.
public struct HistoryStatistics: Sendable, Hashable {
    /// What one venue contributes.
    public struct OfVenue: Sendable, Hashable {
        /// The venue.
        public var venue: Venue
        /// How many trades the candles count.
        public var trades: Int64
        /// The event time of the first trade; `nil` without trades.
        public var firstTrade: Timestamp?
        /// The event time of the last trade; `nil` without trades.
        public var lastTrade: Timestamp?
        /// How many quotes; see ``HistoryStatistics/areQuotesEstimated``.
        public var quotes: Int64
    }

    /// Holes in the feeds' trades and quotes that the guard noticed.
    public struct Gaps: Sendable, Hashable {
        /// Not closed yet, or not repaired yet.
        public var open = 0
        /// Filled from the venue's history.
        public var repaired = 0
        /// Closed, and nothing fills them.
        public var unrepairable = 0
        /// The length of those that are not repaired, together.
        public var missingSeconds: Double = 0
        /// How many ticks are known to be missing in those, where the venue counts.
        public var missingTicks: Int64 = 0

        /// All of them.
        public var count: Int { self.open + self.repaired + self.unrepairable }
    }

    /// Venues in alphabetical order; those without anything are left out.
    public var venues: [OfVenue]
    /// Whether the numbers of quotes are the planner's estimates, because counting would take too long.
    public var areQuotesEstimated: Bool
    /// The event time of the first quote of all venues.
    public var firstQuote: Timestamp?
    /// The event time of the last quote of all venues.
    public var lastQuote: Timestamp?
    /// What the feeds missed.
    public var gaps: Gaps
    /// Ticks of all symbols together that were received and could not be kept; see the table `recording_losses`.
    public var lostTicks: Int64

    /// All trades.
    public var trades: Int64 { self.venues.reduce(0) { $0 + $1.trades } }
    /// All quotes.
    public var quotes: Int64 { self.venues.reduce(0) { $0 + $1.quotes } }
    /// The first trade or quote.
    public var first: Timestamp? { (self.venues.map(\.firstTrade) + [self.firstQuote]).compactMap { $0 }.min() }
    /// The last trade or quote.
    public var last: Timestamp? { (self.venues.map(\.lastTrade) + [self.lastQuote]).compactMap { $0 }.max() }
}
