import Market
import Store

/// The market as an earlier run left it: what the database knows, and what waits for it in the journal.
struct RestoredMarket {
    private typealias Source = RecordedRuns.Source

    /// Ticks read at once.
    private static let batchTicksMax = 20_000

    /// The state of each symbol and venue.
    private(set) var states: [MarketState]
    private var newest: [Source: Trade] = [:]
    private var places: [Source: Int] = [:]
    /// The newest numbers of venues that count without holes.
    private(set) var runs: [RecordedRuns.Source: SequenceRuns]
    private let contiguousVenues: Set<Venue>

    /// The newest trade of each symbol and venue: where its feed goes on.
    var newestTrades: [Trade] { Array(self.newest.values) }

    /// What the database knows.
    ///
    /// - Parameters:
    ///   - states: One for each symbol and venue at most.
    ///   - newestTrades: The same.
    ///   - runs: The numbers of the newest trades.
    ///   - contiguousVenues: Whose trades are numbered without holes.
    init(
        states: [MarketState], newestTrades: [Trade], runs: [RecordedRuns.Source: SequenceRuns] = [:],
        contiguousVenues: Set<Venue> = []
    ) {
        self.states = states
        self.runs = runs
        self.contiguousVenues = contiguousVenues
        for (index, state) in states.enumerated() {
            self.places[Source(symbol: state.symbol, venue: state.venue)] = index
        }
        for trade in newestTrades { self.newest[Source(symbol: trade.symbol, venue: trade.venue)] = trade }
    }

    /// Takes in the ticks of `journal` behind `positions`: received, and not in the database yet.
    ///
    /// - Throws: `JournalError`.
    mutating func takeWaiting(in journal: Journal, after positions: [JournalStream: Int64]) throws {
        for stream in JournalStream.allCases {
            let reader = journal.reader(of: stream, from: positions[stream, default: 0])
            while let batch = try reader.batch(ticksMax: Self.batchTicksMax) {
                for trade in batch.trades { self.take(trade) }
                for quote in batch.quotes {
                    self.states[self.place(of: quote.symbol, quote.venue)].apply(quote)
                }
            }
        }
    }

    private mutating func take(_ trade: Trade) {
        self.states[self.place(of: trade.symbol, trade.venue)].apply(trade)
        let source = Source(symbol: trade.symbol, venue: trade.venue)
        if let sequence = trade.venueSequence, self.contiguousVenues.contains(trade.venue) {
            self.runs[source, default: SequenceRuns()].insert(
                SequenceRuns.Place(sequence: sequence, id: trade.id, time: trade.eventTime))
        }
        if let known = self.newest[source], Self.isEarlier(trade, known) { return }
        self.newest[source] = trade
    }

    private mutating func place(of symbol: Symbol, _ venue: Venue) -> Int {
        let source = Source(symbol: symbol, venue: venue)
        if let place = self.places[source] { return place }
        self.places[source] = self.states.count
        self.states.append(
            MarketState(symbol: symbol, venue: venue, asset: symbol.quoteCurrency == nil ? .stock : .crypto))
        return self.states.count - 1
    }

    /// The order in which the database's newest trade is chosen, too.
    private static func isEarlier(_ trade: Trade, _ other: Trade) -> Bool {
        (trade.eventTime, trade.venueSequence ?? .min) < (other.eventTime, other.venueSequence ?? .min)
    }
}
