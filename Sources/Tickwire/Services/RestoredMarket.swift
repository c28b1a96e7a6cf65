import Market
import Store

/// The market as an earlier run left it: what the database knows, and what waits for it in the journal.
struct RestoredMarket {
    /// Ticks read at once.
    private static let batchTicksMax = 20_000

    /// The state of each symbol and venue.
    private(set) var states: [MarketState]
    private var newest: [VenueSymbol: Trade] = [:]
    private var indexes: [VenueSymbol: Int] = [:]
    /// The newest numbers of venues that count without holes.
    private(set) var runs: [VenueSymbol: SequenceRuns]
    /// The newest candles of each symbol and venue.
    private(set) var candles: [VenueSymbol: CandleSheet]
    private let contiguousVenues: Set<Venue>

    /// The newest trade of each symbol and venue: where its feed goes on.
    var newestTrades: [Trade] { Array(self.newest.values) }

    /// What the database knows.
    ///
    /// - Parameters:
    ///   - states: One for each symbol and venue at most.
    ///   - newestTrades: The same.
    ///   - runs: The numbers of the newest trades.
    ///   - candles: The newest ones.
    ///   - contiguousVenues: Whose trades are numbered without holes.
    init(
        states: [MarketState], newestTrades: [Trade], runs: [VenueSymbol: SequenceRuns],
        candles: [VenueSymbol: CandleSheet], contiguousVenues: Set<Venue>
    ) {
        self.states = states
        self.runs = runs
        self.candles = candles
        self.contiguousVenues = contiguousVenues
        for (index, state) in states.enumerated() {
            self.indexes[VenueSymbol(state.symbol, state.venue)] = index
        }
        for trade in newestTrades { self.newest[VenueSymbol(trade.symbol, trade.venue)] = trade }
    }

    /// Takes in the ticks of `journal` behind `place`: received, and not in the database yet.
    ///
    /// - Throws: `JournalError`.
    mutating func takeWaiting(in journal: Journal, after place: JournalPlace) throws {
        for stream in JournalStream.allCases {
            let reader = journal.reader(of: stream, from: place[stream], isSafe: false)
            while let batch = try reader.batch(ticksMax: Self.batchTicksMax) {
                for trade in batch.trades { self.take(trade) }
                for quote in batch.quotes {
                    self.states[self.index(of: VenueSymbol(quote.symbol, quote.venue))].apply(quote)
                }
            }
        }
    }

    private mutating func take(_ trade: Trade) {
        let venueSymbol = VenueSymbol(trade.symbol, trade.venue)
        self.states[self.index(of: venueSymbol)].apply(trade)
        self.candles[venueSymbol, default: CandleSheet(isStock: trade.symbol.quoteCurrency == nil)].add(trade)
        if let sequence = trade.venueSequence, self.contiguousVenues.contains(trade.venue) {
            self.runs[venueSymbol, default: SequenceRuns()].insert(
                SequenceRuns.Place(sequence: sequence, id: trade.id, time: trade.eventTime))
        }
        if let known = self.newest[venueSymbol], Self.isEarlier(trade, known) { return }
        self.newest[venueSymbol] = trade
    }

    private mutating func index(of venueSymbol: VenueSymbol) -> Int {
        if let index = self.indexes[venueSymbol] { return index }
        self.indexes[venueSymbol] = self.states.count
        self.states.append(
            MarketState(
                symbol: venueSymbol.symbol, venue: venueSymbol.venue,
                asset: venueSymbol.symbol.quoteCurrency == nil ? .stock : .crypto))
        return self.states.count - 1
    }

    /// The order in which the database's newest trade is chosen, too.
    private static func isEarlier(_ trade: Trade, _ other: Trade) -> Bool {
        (trade.eventTime, trade.venueSequence ?? .min) < (other.eventTime, other.venueSequence ?? .min)
    }
}
