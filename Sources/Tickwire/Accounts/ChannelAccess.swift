import Channels
import Store

/// Which channels a token's holder may join.
enum ChannelAccess {
    /// What begins the name of a user's own channels, after `private-` and its like.
    private static let ownPrefix = "alerts-"

    /// Why the holder may not join; `nil` when it is fine.
    ///
    /// - Parameters:
    ///   - channel: The channel.
    ///   - holder: Who asks.
    ///   - hasEncryption: Whether the app has a key for encrypted channels.
    /// - Returns: One line for the developer of the client.
    static func refusal(_ channel: ChannelName, holder: TokenHolder, hasEncryption: Bool) -> String? {
        guard channel.kind.needsSignature else {
            return "Channel \(channel) needs no authorisation: subscribe to it without"
        }
        let name = Self.base(of: channel)
        if name.hasPrefix(Self.ownPrefix), name.dropFirst(Self.ownPrefix.count) != holder.userID {
            return "Channel \(channel) is another user's: \(holder.userID) may join private-alerts-\(holder.userID)"
        }
        guard holder.scopes.contains(where: { $0.allows(channel: channel.text) }) else {
            let scopes = holder.scopes.map(\.description).joined(separator: " ")
            return "The token's scopes (\(scopes)) do not cover channel \(channel)"
        }
        guard hasEncryption || !channel.kind.isEncrypted else {
            return "Channel \(channel) is encrypted, and the app has no encryptionMasterKey"
        }
        return nil
    }

    /// The name behind the prefix that says the kind.
    private static func base(of channel: ChannelName) -> Substring {
        let prefix =
            switch channel.kind {
            case .public, .serverToUser: ""
            case .cache: "cache-"
            case .private: "private-"
            case .privateCache: "private-cache-"
            case .privateEncrypted: "private-encrypted-"
            case .privateEncryptedCache: "private-encrypted-cache-"
            case .presence: "presence-"
            case .presenceCache: "presence-cache-"
            }
        return channel.text.dropFirst(prefix.count)
    }
}
