public import Market

/// A stretch of one symbol's trades, to be fetched.
public struct TradeRange: Hashable, Sendable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it begins and ends.
    public var bounds: TickBounds

    /// Makes a range.
    public init(symbol: Symbol, bounds: TickBounds) {
        self.symbol = symbol
        self.bounds = bounds
    }

    /// Where a trade lies.
    enum Position {
        case before, inside, after
    }

    /// Where a trade lies: by id where ids are numbers, else by sequence number, else by time.
    ///
    /// Each end is judged by the best of these that is known there. Of trades in the very instant of a bound that have ids
    /// all count as inside but the bound itself: several may share an instant.
    func position(of trade: Trade) -> Position {
        let bounds = self.bounds
        if let id = trade.id, id == bounds.fromID { return .before }
        if let id = trade.id, id == bounds.toID { return .after }
        if let isAfter = Self.isAfter(trade, bounds.fromID, bounds.fromSequence, bounds.fromTime), !isAfter {
            return .before
        }
        if let isBefore = Self.isBefore(trade, bounds.toID, bounds.toSequence, bounds.toTime), !isBefore {
            return .after
        }
        return .inside
    }

    private static func isAfter(_ trade: Trade, _ id: String?, _ sequence: Int64?, _ time: Timestamp?) -> Bool? {
        if let own = TradeNumber(trade.id), let bound = TradeNumber(id) { return bound < own }
        if let own = trade.venueSequence, let sequence { return own > sequence }
        return time.map { trade.eventTime > $0 || (trade.eventTime == $0 && trade.id != nil) }
    }

    private static func isBefore(_ trade: Trade, _ id: String?, _ sequence: Int64?, _ time: Timestamp?) -> Bool? {
        if let own = TradeNumber(trade.id), let bound = TradeNumber(id) { return own < bound }
        if let own = trade.venueSequence, let sequence { return own < sequence }
        return time.map { trade.eventTime < $0 || (trade.eventTime == $0 && trade.id != nil) }
    }

    /// Whether nothing fits between a trade and the end of the range.
    func touchesEnd(_ trade: Trade) -> Bool {
        if let own = TradeNumber(trade.id), let bound = TradeNumber(self.bounds.toID) {
            return own.isFollowed(by: bound)
        }
        return false
    }

    /// Whether nothing fits between the beginning of the range and a trade.
    func touchesStart(_ trade: Trade) -> Bool {
        if let own = TradeNumber(trade.id), let bound = TradeNumber(self.bounds.fromID) {
            return bound.isFollowed(by: own)
        }
        return false
    }
}

/// A trade id that is a whole number of any length: venues give out ids of more than 64 bits.
struct TradeNumber: Comparable {
    private let digits: Substring

    /// `nil` unless the text has digits only.
    init?(_ text: String?) {
        guard let text, !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        self.digits = text.drop { $0 == "0" }
    }

    static func < (left: TradeNumber, right: TradeNumber) -> Bool {
        let lengths = (left.digits.utf8.count, right.digits.utf8.count)
        return lengths.0 != lengths.1 ? lengths.0 < lengths.1 : left.digits < right.digits
    }

    /// Whether `next` is the number after this one.
    func isFollowed(by next: TradeNumber) -> Bool {
        var digits = Array(self.digits.utf8)
        var index = digits.count - 1
        while index >= 0, digits[index] == UInt8(ascii: "9") {
            digits[index] = UInt8(ascii: "0")
            index -= 1
        }
        if index >= 0 { digits[index] += 1 } else { digits.insert(UInt8(ascii: "1"), at: 0) }
        return digits.elementsEqual(next.digits.utf8)
    }
}
