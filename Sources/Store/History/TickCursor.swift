import Market

/// The place of a tick in the order of the history, to go on behind it.
///
/// The order: event time; the venue's sequence, ticks without one first; the id, shorter ones first; receive time; venue;
/// trades before quotes; and where all of that is equal, the row's place in its table.
public struct TickCursor: Sendable, Hashable, Comparable {
    var time: Timestamp
    var sequence: Int64?
    var tradeID: String?
    var receivedTime: Timestamp
    var venueID: Int16
    var kind: TickQuery.Kind
    /// The partition's oid.
    var table: UInt32
    /// Block and line of the row.
    var place: UInt64

    /// Earlier before later.
    public static func < (left: TickCursor, right: TickCursor) -> Bool {
        if left.time != right.time { return left.time < right.time }
        return left.isBeforeAtOneTime(right)
    }

    private func isBeforeAtOneTime(_ other: TickCursor) -> Bool {
        let (sequence, otherSequence) = (self.sequence ?? .min, other.sequence ?? .min)
        if sequence != otherSequence { return sequence < otherSequence }
        if self.tradeID != other.tradeID {
            guard let id = self.tradeID else { return true }
            guard let otherID = other.tradeID else { return false }
            return id.comesBeforeAsID(otherID)
        }
        if self.receivedTime != other.receivedTime { return self.receivedTime < other.receivedTime }
        if self.venueID != other.venueID { return self.venueID < other.venueID }
        if self.kind != other.kind { return self.kind.rawValue < other.kind.rawValue }
        return (self.table, self.place) < (other.table, other.place)
    }
}

extension TickCursor: LosslessStringConvertible {
    /// The cursor as one word of URL-safe characters, for a client to give back.
    public var description: String {
        let id = self.tradeID.map { "." + $0.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() } ?? ""
        return [
            String(self.time.microseconds), self.sequence.map(String.init) ?? "",
            String(self.receivedTime.microseconds),
            String(self.venueID), String(self.kind.rawValue), String(self.table), String(self.place), id,
        ].joined(separator: "_")
    }

    /// Reads what ``description`` wrote; `nil` for other text.
    public init?(_ text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 8, let time = Int64(parts[0]), let receivedTime = Int64(parts[2]),
            abs(time) < Int64.max / 1000, abs(receivedTime) < Int64.max / 1000, let venueID = Int16(parts[3]),
            let kind = Int(parts[4]).flatMap(TickQuery.Kind.init(rawValue:)), let table = UInt32(parts[5]),
            let place = UInt64(parts[6]), place >> 48 == 0
        else { return nil }
        if !parts[1].isEmpty {
            guard let sequence = Int64(parts[1]) else { return nil }
            self.sequence = sequence
        }
        if let dot = parts[7].utf8.first {
            let digits = Array(parts[7].utf8.dropFirst())
            guard dot == UInt8(ascii: "."), digits.count % 2 == 0 else { return nil }
            var bytes: [UInt8] = []
            for index in stride(from: 0, to: digits.count, by: 2) {
                guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                    return nil
                }
                bytes.append(byte)
            }
            guard let id = String(validating: bytes, as: UTF8.self), !id.utf8.contains(0) else { return nil }
            self.tradeID = id
        }
        self.time = Timestamp(microseconds: time)
        self.receivedTime = Timestamp(microseconds: receivedTime)
        self.venueID = venueID
        self.kind = kind
        self.table = table
        self.place = place
    }
}

extension String {
    /// The order of ids: a longer one is a later one of a counter, then byte by byte, as `COLLATE "C"` has it.
    fileprivate func comesBeforeAsID(_ other: String) -> Bool {
        let (length, otherLength) = (self.unicodeScalars.count, other.unicodeScalars.count)
        if length != otherLength { return length < otherLength }
        return self.utf8.lexicographicallyPrecedes(other.utf8)
    }
}
