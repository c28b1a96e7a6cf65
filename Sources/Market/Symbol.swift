/// An instrument's canonical name: `BTC-USD`, `AAPL`, `BRK.B`.
///
/// 1 to 24 of `A`–`Z`, `0`–`9`, `-` and `.`, held inline: copying, comparing and hashing a symbol never allocates.
public struct Symbol: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let text: InlineText

    /// Checks `name` against the grammar.
    ///
    /// - Throws: ``MarketError/invalidSymbol(_:)`` when it breaks the grammar.
    public init(_ name: String) throws(MarketError) {
        guard let text = InlineText(name.utf8, where: Self.isAllowed) else { throw .invalidSymbol(name) }
        self.text = text
    }

    /// Checks bytes against the grammar; `nil` when they break it.
    public init?(utf8 bytes: some Collection<UInt8>) {
        guard let text = InlineText(bytes, where: Self.isAllowed) else { return nil }
        self.text = text
    }

    /// The canonical spelling.
    public var name: String { self.text.string }
    /// The canonical spelling.
    public var description: String { self.name }
    /// The part before the first `-`, for example `BTC`; the whole name for a stock.
    public var base: String { String(self.name.prefix { $0 != "-" }) }
    /// The part after the first `-`, for example `USD`; `nil` for a stock.
    public var quoteCurrency: String? {
        let name = self.name
        return name.firstIndex(of: "-").map { String(name[name.index(after: $0)...]) }
    }

    /// Alphabetical order.
    public static func < (left: Symbol, right: Symbol) -> Bool { left.text < right.text }

    /// Appends the spelling's bytes.
    public func write(to bytes: inout [UInt8]) { self.text.write(to: &bytes) }

    /// Stores the spelling's bytes and returns their count; always writes 24 bytes, zeros behind the spelling.
    package func store(to memory: UnsafeMutableRawPointer) -> Int { self.text.store(to: memory) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
}

/// Where an instrument trades, as its feed file names it: `coinbase`.
///
/// 1 to 24 of `a`–`z`, `0`–`9`, `-` and `_`, held inline.
public struct Venue: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let text: InlineText

    /// Checks `name` against the grammar.
    ///
    /// - Throws: ``MarketError/invalidVenue(_:)`` when it breaks the grammar.
    public init(_ name: String) throws(MarketError) {
        guard let text = InlineText(name.utf8, where: Self.isAllowed) else { throw .invalidVenue(name) }
        self.text = text
    }

    /// The venue's name.
    public var name: String { self.text.string }
    /// The venue's name.
    public var description: String { self.name }

    /// Alphabetical order.
    public static func < (left: Venue, right: Venue) -> Bool { left.text < right.text }

    /// Checks bytes against the grammar; `nil` when they break it.
    package init?(utf8 bytes: some Collection<UInt8>) {
        guard let text = InlineText(bytes, where: Self.isAllowed) else { return nil }
        self.text = text
    }

    /// Appends the name's bytes.
    public func write(to bytes: inout [UInt8]) { self.text.write(to: &bytes) }

    /// Stores the name's bytes and returns their count; always writes 24 bytes, zeros behind the name.
    package func store(to memory: UnsafeMutableRawPointer) -> Int { self.text.store(to: memory) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// Up to 24 ASCII bytes in three words, the first byte in the highest place, so that words compare as text does.
struct InlineText: Hashable, Sendable, Comparable {
    private let high: UInt64
    private let middle: UInt64
    private let low: UInt64

    /// `nil` unless there are 1 to 24 bytes that all satisfy `isAllowed`.
    ///
    /// Zero bytes must not be allowed.
    @inline(__always)
    init?(_ bytes: some Collection<UInt8>, where isAllowed: (UInt8) -> Bool) {
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var count = 0
        for byte in bytes {
            guard count < 24, isAllowed(byte) else { return nil }
            let shifted = UInt64(byte) << UInt64(56 - 8 * (count & 7))
            switch count >> 3 {
            case 0: words.0 |= shifted
            case 1: words.1 |= shifted
            default: words.2 |= shifted
            }
            count += 1
        }
        guard count > 0 else { return nil }
        (self.high, self.middle, self.low) = words
    }

    static func < (left: InlineText, right: InlineText) -> Bool {
        (left.high, left.middle, left.low) < (right.high, right.middle, right.low)
    }

    var string: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        self.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Stores 24 bytes, zeros behind the text, and returns the text's count of bytes.
    @inline(__always)
    func store(to memory: UnsafeMutableRawPointer) -> Int {
        memory.storeBytes(of: self.high.bigEndian, as: UInt64.self)
        memory.storeBytes(of: self.middle.bigEndian, toByteOffset: 8, as: UInt64.self)
        memory.storeBytes(of: self.low.bigEndian, toByteOffset: 16, as: UInt64.self)
        let zeros =
            if self.low != 0 {
                self.low.trailingZeroBitCount
            } else if self.middle != 0 {
                64 + self.middle.trailingZeroBitCount
            } else {
                128 + self.high.trailingZeroBitCount
            }
        return 24 - zeros / 8
    }

    func write(to bytes: inout [UInt8]) {
        for word in [self.high, self.middle, self.low] {
            var word = word
            while word != 0 {
                bytes.append(UInt8(truncatingIfNeeded: word >> 56))
                word <<= 8
            }
        }
    }
}
