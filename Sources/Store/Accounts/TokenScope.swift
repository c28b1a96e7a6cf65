/// What a token allows: `channels:PATTERN`, where `*` stands for any characters, `alerts` or `alerts:all`.
public struct TokenScope: Sendable, Hashable, CustomStringConvertible {
    private enum Grant: Hashable {
        case channels(pattern: String)
        case ownAlerts
        case allAlerts
    }

    private static let kind = "channels:"
    /// All channels.
    public static let allChannels = TokenScope(grant: .channels(pattern: "*"))
    /// To read and change the user's own alerts.
    public static let ownAlerts = TokenScope(grant: .ownAlerts)
    /// To read and change everybody's alerts.
    public static let allAlerts = TokenScope(grant: .allAlerts)

    private let grant: Grant

    private init(grant: Grant) { self.grant = grant }

    /// Reads a scope.
    ///
    /// - Throws: ``StoreError/invalidScope(_:)`` unless it is `alerts`, `alerts:all`, or `channels:` and 1 to 200 characters of
    ///   channel names and `*`.
    public init(_ text: String) throws(StoreError) {
        switch text {
        case "alerts": self = .ownAlerts
        case "alerts:all": self = .allAlerts
        default:
            let pattern = text.dropFirst(Self.kind.count)
            guard text.hasPrefix(Self.kind), (1...200).contains(pattern.utf8.count),
                pattern.utf8.allSatisfy(Self.isAllowed)
            else { throw .invalidScope(text) }
            self.grant = .channels(pattern: String(pattern))
        }
    }

    /// The scope as it is written.
    public var description: String {
        switch self.grant {
        case .channels(let pattern): Self.kind + pattern
        case .ownAlerts: "alerts"
        case .allAlerts: "alerts:all"
        }
    }

    /// Whether the user's own alerts are within the scope.
    public var allowsOwnAlerts: Bool { self.grant == .ownAlerts || self.grant == .allAlerts }

    /// Whether everybody's alerts are.
    public var allowsAllAlerts: Bool { self.grant == .allAlerts }

    /// Whether the channel is within the scope.
    public func allows(channel: String) -> Bool {
        guard case .channels(let pattern) = self.grant else { return false }
        return Self.matches(Array(pattern.utf8), Array(channel.utf8))
    }

    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
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
