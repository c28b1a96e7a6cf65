/// A channel's name, checked once where it enters and trusted from there on.
///
/// 1 to 200 of ASCII letters, digits and `_ - = @ , . ;`. A leading `#` is reserved for `#server-to-user-ID`.
public struct ChannelName: Hashable, Sendable, CustomStringConvertible {
    /// What a channel's prefix says about it, longest prefix first.
    ///
    /// A prefix counts with its dash only.
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// No prefix: anybody may join.
        case `public`
        /// `cache-`: public, remembers the last event.
        case cache
        /// `private-`: needs a signature.
        case `private`
        /// `private-cache-`: needs a signature, remembers the last event.
        case privateCache
        /// `private-encrypted-`: needs a signature; the payload is opaque to the server.
        case privateEncrypted
        /// `private-encrypted-cache-`: the same, and remembers the last event.
        case privateEncryptedCache
        /// `presence-`: needs a signature and says who is there.
        case presence
        /// `presence-cache-`: the same, and remembers the last event.
        case presenceCache
        /// `#server-to-user-`: one signed-in user's own channel.
        case serverToUser

        /// What the prefix of `name` says, whether or not the rest is a valid name.
        public init(of name: String) {
            switch name.utf8.first {
            case UInt8(ascii: "p") where name.hasPrefix("private-"):
                if name.hasPrefix("private-encrypted-cache-") {
                    self = .privateEncryptedCache
                } else if name.hasPrefix("private-encrypted-") {
                    self = .privateEncrypted
                } else {
                    self = name.hasPrefix("private-cache-") ? .privateCache : .private
                }
            case UInt8(ascii: "p") where name.hasPrefix("presence-"):
                self = name.hasPrefix("presence-cache-") ? .presenceCache : .presence
            case UInt8(ascii: "c") where name.hasPrefix("cache-"): self = .cache
            case UInt8(ascii: "#") where name.hasPrefix(ChannelName.serverToUserPrefix): self = .serverToUser
            default: self = .public
            }
        }

        /// Whether joining needs a signature over socket id and channel.
        public var needsSignature: Bool {
            switch self {
            case .private, .privateCache, .privateEncrypted, .privateEncryptedCache, .presence, .presenceCache: true
            case .public, .cache, .serverToUser: false
            }
        }

        /// Whether the payload is encrypted by the publisher, so that it may go to one channel only.
        public var isEncrypted: Bool { self == .privateEncrypted || self == .privateEncryptedCache }

        /// Whether the channel knows its members as users.
        public var isPresence: Bool { self == .presence || self == .presenceCache }

        /// Whether clients may send events to each other: an encrypted channel's payload is its publisher's own.
        public var hasClientEvents: Bool {
            switch self {
            case .private, .privateCache, .presence, .presenceCache: true
            case .public, .cache, .privateEncrypted, .privateEncryptedCache, .serverToUser: false
            }
        }

        /// Whether subscribers may be told how many they are.
        ///
        /// A presence channel counts users instead, and clients fail to decrypt the frame on an encrypted one.
        public var hasSubscriptionCounts: Bool {
            switch self {
            case .public, .cache, .private, .privateCache: true
            case .privateEncrypted, .privateEncryptedCache, .presence, .presenceCache, .serverToUser: false
            }
        }

        /// Whether the channel replays its last event to a new subscriber.
        public var isCache: Bool {
            switch self {
            case .cache, .privateCache, .privateEncryptedCache, .presenceCache: true
            case .public, .private, .privateEncrypted, .presence, .serverToUser: false
            }
        }
    }

    /// The longest name accepted, in characters: what the server libraries allow (the hosted documents say 164).
    public static let lengthMax = 200
    /// The prefix of a signed-in user's own channel.
    static let serverToUserPrefix = "#server-to-user-"

    /// The name as written.
    public let text: String
    /// What the prefix says.
    public let kind: Kind

    /// Checks `text` against the grammar.
    ///
    /// - Throws: ``ChannelsError/invalidChannelName(_:)`` when it breaks the grammar.
    public init(_ text: String) throws(ChannelsError) {
        let isServerToUser = text.hasPrefix(Self.serverToUserPrefix)
        let rest = text.utf8.dropFirst(isServerToUser ? Self.serverToUserPrefix.utf8.count : 0)
        guard !rest.isEmpty, text.utf8.count <= Self.lengthMax, rest.allSatisfy(Self.isAllowed) else {
            throw .invalidChannelName(text)
        }
        self.text = text
        self.kind = Kind(of: text)
    }

    /// The name as written.
    public var description: String { self.text }

    /// Equal when the text is.
    public static func == (left: ChannelName, right: ChannelName) -> Bool { left.text == right.text }

    /// Hashes the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.text) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "="),
            UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "."), UInt8(ascii: ";"):
            true
        default: false
        }
    }
}
