public import Market

/// What an import has brought.
public struct ImportSummary: Sendable, Hashable {
    /// Trades that were new.
    public var newTrades: Int64 = 0
    /// Trades that were known, and were left as they are.
    public var knownTrades: Int64 = 0
    /// Quotes that were new.
    public var newQuotes: Int64 = 0
    /// Quotes that were known, and were left as they are.
    public var knownQuotes: Int64 = 0
    /// Trades without an id among the new ones: a second import cannot know them again by an id.
    public var newTradesWithoutID: Int64 = 0
    /// Headings of columns that were not read.
    public var ignoredColumns: [String] = []
    /// Where the file has trades: candles there have to be made anew.
    public var ranges: [ImportedRange] = []
}

/// A stretch of one symbol's trades at one venue.
public struct ImportedRange: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it traded.
    public var venue: Venue
    /// The first event time.
    public var from: Timestamp
    /// The last event time, included.
    public var to: Timestamp
}
