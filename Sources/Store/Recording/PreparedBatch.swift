import Market

/// A batch as rows of binary COPY: all that can be done for it without PostgreSQL.
struct PreparedBatch: Sendable {
    /// The rows of one partition.
    struct Part: Sendable {
        let table: String
        let rows: [UInt8]
    }

    let batch: TickBatch
    let trades: TickColumn<Trade>
    let quotes: TickColumn<Quote>
    /// Empty while symbols or venues have no id yet.
    let parts: [Part]
    let newSymbols: Set<Symbol>
    let newVenues: Set<Venue>

    /// Whether all symbols and venues have ids.
    var isComplete: Bool { self.newSymbols.isEmpty && self.newVenues.isEmpty }

    /// The UTC days of its ticks.
    var days: Set<CivilDay> { Set(self.trades.days.map(\.day)).union(self.quotes.days.map(\.day)) }

    init(_ batch: TickBatch, ids: (symbols: [Symbol: Int32], venues: [Venue: Int16])) {
        var newSymbols = Set<Symbol>()
        var newVenues = Set<Venue>()
        self.batch = batch
        self.trades = TickColumn(
            batch.trades, symbols: ids.symbols, venues: ids.venues, newSymbols: &newSymbols, newVenues: &newVenues)
        self.quotes = TickColumn(
            batch.quotes, symbols: ids.symbols, venues: ids.venues, newSymbols: &newSymbols, newVenues: &newVenues)
        self.newSymbols = newSymbols
        self.newVenues = newVenues
        var parts: [Part] = []
        if newSymbols.isEmpty, newVenues.isEmpty {
            for day in self.trades.days {
                parts.append(
                    Part(
                        table: DayPartition.name(.trades, day.day),
                        rows: TickRows.encode(self.trades, rows: day.rows[...])))
            }
            for day in self.quotes.days {
                parts.append(
                    Part(
                        table: DayPartition.name(.quotes, day.day),
                        rows: TickRows.encode(self.quotes, rows: day.rows[...])))
            }
        }
        self.parts = parts
    }
}
