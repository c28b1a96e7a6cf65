import Market
import Postgres

/// A statement that reads ticks of one kind in the order of their event times.
struct TickSelection: Sendable {
    /// A place in the history, and whether ticks behind it or before it are wanted.
    enum Bound: Sendable {
        case after(TickCursor)
        case before(TickCursor)
        /// Up to the place, itself included.
        case through(TickCursor)
    }

    let kind: TickQuery.Kind
    let symbolID: Int32
    let venueID: Int16?
    var since: Timestamp?
    var until: Timestamp?
    var bounds: [Bound] = []
    /// More of the condition.
    var condition = ""
    var direction = HistoryDirection.forward
    /// At most so many, and as many more as share the last one's event time.
    var limit: Int?

    private static let columns: [TickQuery.Kind: String] = [
        .trades: """
        event_time, received_time, venue_sequence, venue_id, flags, tableoid, ctid, side, trade_id, price, size
        """,
        .quotes: """
        event_time, received_time, venue_sequence, venue_id, flags, tableoid, ctid, bid, ask, bid_size, ask_size, last
        """,
    ]

    /// Reads the ticks in binary.
    var copy: String {
        var order = "ORDER BY event_time"
        if self.direction == .backward { order += " DESC" }
        if let limit { order += " FETCH FIRST \(limit) ROWS WITH TIES" }
        return """
            COPY (SELECT \(Self.columns[self.kind] ?? "") FROM \(self.table) WHERE \(self.where) \(order)) \
            TO STDOUT (FORMAT binary)
            """
    }

    /// The event time of the newest tick but `count` − 1; no row when there are fewer.
    func time(ofNewest count: Int) -> String {
        """
        SELECT event_time FROM \(self.table) WHERE \(self.where) ORDER BY event_time DESC OFFSET \(max(0, count - 1)) LIMIT 1
        """
    }

    /// How many there are.
    var count: String { "SELECT count(*) FROM \(self.table) WHERE \(self.where)" }

    private var table: String {
        switch self.kind {
        case .trades: "trades"
        case .quotes: "quotes"
        }
    }

    private var `where`: String {
        var text = "symbol_id = \(self.symbolID)"
        if let venueID { text += " AND venue_id = \(venueID)" }
        if let since { text += " AND event_time >= '\(since.storedText)'" }
        if let until { text += " AND event_time < '\(until.storedText)'" }
        for bound in self.bounds {
            switch bound {
            case .after(let cursor): text += self.comparison(cursor, ">=", ">")
            case .before(let cursor): text += self.comparison(cursor, "<=", "<")
            case .through(let cursor): text += self.comparison(cursor, "<=", "<=")
            }
        }
        return text + self.condition
    }

    /// First on the indexed column alone, then on the whole order.
    private func comparison(_ cursor: TickCursor, _ timeSign: String, _ sign: String) -> String {
        let id = self.kind == .trades ? "trade_id" : "NULL::text"
        let row = """
            (event_time, coalesce(venue_sequence, \(Self.bigint(.min))), coalesce(length(\(id)), -1), \
            coalesce(\(id), '') COLLATE "C", received_time, venue_id, \(self.kind.rawValue), tableoid, ctid)
            """
        // In digits, because ids are text from outside and the statement takes no parameters.
        let idDigits = (cursor.tradeID ?? "").utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let value = """
            ('\(cursor.time.storedText)'::timestamptz, \(Self.bigint(cursor.sequence ?? .min)), \
            \(cursor.tradeID.map { $0.unicodeScalars.count } ?? -1), convert_from(decode('\(idDigits)', 'hex'), 'UTF8'), \
            '\(cursor.receivedTime.storedText)'::timestamptz, \(cursor.venueID), \(cursor.kind.rawValue), \
            \(cursor.table)::oid, '(\(cursor.place >> 16),\(cursor.place & 0xFFFF))'::tid)
            """
        return " AND event_time \(timeSign) '\(cursor.time.storedText)' AND \(row) \(sign) \(value)"
    }

    /// A literal that is no `numeric` even for the lowest number.
    private static func bigint(_ number: Int64) -> String { "'\(number)'::bigint" }
}
