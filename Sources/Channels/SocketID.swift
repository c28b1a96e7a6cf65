/// A connection's name towards clients: two decimal numbers joined by a dot, from 64 random bits.
public struct SocketID: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// Splits `bits` into two numbers of up to ten digits.
    public init(bits: UInt64) {
        self.high = bits >> 32
        self.low = bits & 0xFFFF_FFFF
    }

    /// Checks `text` against `^\d+\.\d+$`.
    ///
    /// - Throws: ``ChannelsError/invalidSocketID(_:)`` when it does not match, or a number exceeds 64 bits or has leading
    ///   zeros, which no server gives out.
    public init(_ text: String) throws(ChannelsError) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }),
            let high = UInt64(parts[0]), let low = UInt64(parts[1]), "\(high).\(low)" == text
        else { throw .invalidSocketID(text) }
        self.high = high
        self.low = low
    }

    /// The text that clients see, for example `1234.5678`.
    public var description: String { "\(self.high).\(self.low)" }
}
