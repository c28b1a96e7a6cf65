import Market
import Postgres

/// Puts rows of the table together to candles: of several venues, and of several short intervals.
///
/// Rows must come sorted by start, upwards or downwards; those of one start in any order.
struct CandleMerger {
    /// The statement's columns that ``add(_:)`` reads; the keys only where rows are put together.
    static let columns = "start, open, high, low, close, volume, turnover, trade_count"
    static let keyColumns = "open_time, open_sequence, open_id, close_time, close_sequence, close_id"

    private struct Open {
        var candle: RecordedCandle
        var firstKey: TradePlace?
        var lastKey: TradePlace?
    }

    private let grid: CandleGrid
    /// Whether rows carry the columns of their first and last trade.
    private let hasKeys: Bool
    private var open: Open?

    init(_ grid: CandleGrid, hasKeys: Bool) {
        self.grid = grid
        self.hasKeys = hasKeys
    }

    /// Takes the next row in.
    ///
    /// - Returns: The candle that is complete now.
    mutating func add(_ row: inout BinaryRow) throws(PostgresError) -> RecordedCandle? {
        var next = Open(
            candle: RecordedCandle(
                start: self.grid.start(ofRow: try row.timestamp()), open: try row.decimal(), high: try row.decimal(),
                low: try row.decimal(), close: try row.decimal(), volume: try row.wideDecimal(),
                turnover: try row.wideDecimal(), tradeCount: try row.integer(Int64.self), hasGap: false)
        )
        if self.hasKeys {
            next.firstKey = try Self.key(&row, price: next.candle.open)
            next.lastKey = try Self.key(&row, price: next.candle.close)
        }
        guard let open = self.open, open.candle.start == next.candle.start else {
            defer { self.open = next }
            return self.open?.candle
        }
        self.open = Self.merged(open, next)
        return nil
    }

    /// The last candle; `nil` without any.
    mutating func finish() -> RecordedCandle? {
        defer { self.open = nil }
        return self.open?.candle
    }

    private static func key(_ row: inout BinaryRow, price: Decimal64) throws(PostgresError) -> TradePlace {
        TradePlace(
            microseconds: try row.timestamp().microseconds, sequence: try row.integer(Int64.self),
            id: try row.optionalText() ?? "",
            price: price)
    }

    private static func merged(_ left: Open, _ right: Open) -> Open {
        var merged = left
        if let first = left.firstKey, let other = right.firstKey, other < first {
            merged.firstKey = other
            merged.candle.open = right.candle.open
        }
        if let last = left.lastKey, let other = right.lastKey, last < other {
            merged.lastKey = other
            merged.candle.close = right.candle.close
        }
        merged.candle.high = max(left.candle.high, right.candle.high)
        merged.candle.low = min(left.candle.low, right.candle.low)
        merged.candle.volume += right.candle.volume
        merged.candle.turnover += right.candle.turnover
        merged.candle.tradeCount += right.candle.tradeCount
        return merged
    }
}
