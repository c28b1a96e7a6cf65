/// A trade's place in the order of trades, and its price: what a candle's open and close are decided by.
///
/// The order is event time in whole microseconds, the venue's sequence, the length of the id in bytes, the id's bytes, the
/// price: the same in memory and in PostgreSQL, and total up to trades of one price. A trade without a sequence has −1; one
/// that has a sequence needs no id to find its place, and has none here.
public struct TradePlace: Sendable, Comparable {
    /// Microseconds since the Unix epoch, rounded down.
    public let microseconds: Int64
    /// The venue's sequence number; −1 without one.
    public let sequence: Int64
    /// The venue's id; empty without one, and with a sequence.
    public let id: String
    /// The executed price.
    public let price: Decimal64

    /// The place of `trade`.
    @inline(__always)
    public init(_ trade: Trade) {
        self.microseconds = trade.eventTime.microseconds
        self.price = trade.price
        if let sequence = trade.venueSequence {
            self.sequence = sequence
            self.id = ""
        } else {
            self.sequence = -1
            self.id = trade.id ?? ""
        }
    }

    /// The place that was stored with a candle.
    ///
    /// - Parameters:
    ///   - microseconds: Since the Unix epoch.
    ///   - sequence: The venue's sequence number; −1 without one.
    ///   - id: Empty without one, and with a sequence.
    ///   - price: The executed price.
    public init(microseconds: Int64, sequence: Int64, id: String, price: Decimal64) {
        self.microseconds = microseconds
        self.sequence = sequence
        self.id = id
        self.price = price
    }

    /// Whether all that decides is the same; ids by their bytes.
    public static func == (left: TradePlace, right: TradePlace) -> Bool {
        left.microseconds == right.microseconds && left.sequence == right.sequence && left.price == right.price
            && left.id.utf8.elementsEqual(right.id.utf8)
    }

    /// Earlier before later.
    @inline(__always)
    public static func < (left: TradePlace, right: TradePlace) -> Bool {
        if left.microseconds != right.microseconds { return left.microseconds < right.microseconds }
        if left.sequence != right.sequence { return left.sequence < right.sequence }
        return Self.precedes(left, right)
    }

    private static func precedes(_ left: TradePlace, _ right: TradePlace) -> Bool {
        let (leftLength, rightLength) = (left.id.utf8.count, right.id.utf8.count)
        if leftLength != rightLength { return leftLength < rightLength }
        // Bytes, as COLLATE "C": Swift compares strings by their normalised characters.
        for (leftByte, rightByte) in zip(left.id.utf8, right.id.utf8) where leftByte != rightByte {
            return leftByte < rightByte
        }
        return left.price < right.price
    }
}
