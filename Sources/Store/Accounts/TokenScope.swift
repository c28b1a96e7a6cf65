/// What a token allows: `channels:PATTERN`, where `*` stands for any characters.
public struct TokenScope: Sendable, Hashable, CustomStringConvertible {
    private static let kind = "channels:"
    /// All channels.
    public static let allChannels = TokenScope(pattern: "*")

    /// What a channel's name must match.
    public let pattern: String

    private init(pattern: String) { self.pattern = pattern }

    /// Reads a scope.
    ///
    /// - Throws: ``StoreError/invalidScope(_:)`` unless it is `channels:` and 1 to 200 characters of channel names and `*`.
    public init(_ text: String) throws(StoreError) {
        let pattern = text.dropFirst(Self.kind.count)
        guard text.hasPrefix(Self.kind), (1...200).contains(pattern.utf8.count),
            pattern.utf8.allSatisfy(Self.isAllowed)
        else { throw .invalidScope(text) }
        self.pattern = String(pattern)
    }

    /// The scope as it is written.
    public var description: String { Self.kind + self.pattern }

    /// Whether the channel is within the scope.
    public func allows(channel: String) -> Bool {
        let (pattern, name) = (Array(self.pattern.utf8), Array(channel.utf8))
        var (at, position) = (0, 0)
        var star: (at: Int, position: Int)?
        while position < name.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, position)
                at += 1
            } else if at < pattern.count, pattern[at] == name[position] {
                at += 1
                position += 1
            } else if let last = star {
                // The star takes one more character.
                star = (last.at, last.position + 1)
                (at, position) = (last.at + 1, last.position + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "="),
            UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "."), UInt8(ascii: ";"), UInt8(ascii: "*"):
            true
        default: false
        }
    }
}
