import Postgres

/// How far a journal's two streams have come, each in ticks from the journal's beginning.
public struct JournalPlace: Sendable, Hashable {
    /// The position of the stream of trades.
    public var trades: Int64
    /// The position of the stream of quotes.
    public var quotes: Int64

    /// Names a place; without arguments the journal's beginning.
    public init(trades: Int64 = 0, quotes: Int64 = 0) {
        self.trades = trades
        self.quotes = quotes
    }

    /// The position of a stream.
    public subscript(stream: JournalStream) -> Int64 {
        switch stream {
        case .trades: self.trades
        case .quotes: self.quotes
        }
    }

    /// Gives the rows that ``init(_:)`` reads; `$1` is the journal's id.
    static let statement = "SELECT consumer, position FROM journal_positions WHERE journal = $1::uuid"

    /// How much of a journal is in the database: its beginning for one that the database does not know.
    init(_ rows: PostgresRows) throws(PostgresError) {
        self.init()
        for row in rows {
            switch JournalStream(rawValue: try row.text(0)) {
            case .trades: self.trades = try row.integer(1)
            case .quotes: self.quotes = try row.integer(1)
            case nil: break
            }
        }
    }
}
