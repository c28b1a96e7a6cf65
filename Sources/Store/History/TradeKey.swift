import Market

/// Where a trade stands among those of a symbol: migration 0005 defines the order that decides about open and close.
struct TradeKey: Sendable, Hashable, Comparable {
    var time: Timestamp
    /// −1 for a trade without one.
    var sequence: Int64
    /// Empty for a trade with a sequence, or without an id.
    var id: String
    var price: Decimal64

    static func < (left: TradeKey, right: TradeKey) -> Bool {
        if left.time != right.time { return left.time < right.time }
        if left.sequence != right.sequence { return left.sequence < right.sequence }
        if left.id != right.id { return left.id.comesBeforeAsID(right.id) }
        return left.price < right.price
    }
}

extension String {
    /// The order of ids: a longer one is a later one of a counter, then byte by byte, as `COLLATE "C"` has it.
    func comesBeforeAsID(_ other: String) -> Bool {
        let (length, otherLength) = (self.unicodeScalars.count, other.unicodeScalars.count)
        if length != otherLength { return length < otherLength }
        return self.utf8.lexicographicallyPrecedes(other.utf8)
    }
}
