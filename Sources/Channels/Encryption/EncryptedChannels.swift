/// The encrypted variants of market channels.
public enum EncryptedChannels {
    /// What stands before the plain channel's name.
    public static let prefix = "private-encrypted-"

    /// Whether `channel` is a market channel that has an encrypted variant: `ticker-…` and `trades-…` in full.
    public static func isMarket(_ channel: String) -> Bool {
        (channel.hasPrefix("ticker-") || channel.hasPrefix("trades-")) && !channel.contains(";")
    }

    /// The plain market channel behind the encrypted `channel`; `nil` when it is none.
    public static func plain(_ channel: String) -> String? {
        guard channel.hasPrefix(Self.prefix) else { return nil }
        let plain = String(channel.dropFirst(Self.prefix.count))
        return Self.isMarket(plain) ? plain : nil
    }
}
