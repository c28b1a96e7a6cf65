public import Market
public import Notifications

/// A broadcast that somebody wants to send.
public struct ChannelClaim: Hashable, Sendable {
    /// Which channel.
    public struct Key: Hashable, Sendable {
        /// Whose price it tells.
        public let symbol: Symbol
        /// Which of Apple's services has it.
        public let environment: APNsEnvironment

        /// Names a channel of an app.
        public init(symbol: Symbol, environment: APNsEnvironment) {
            self.symbol = symbol
            self.environment = environment
        }
    }

    /// Which channel.
    public let key: Key
    /// The timestamp it would have.
    public let timestamp: Int64
    /// Whether it may go within the cadence.
    public let isUrgent: Bool

    /// Makes a claim.
    public init(key: Key, timestamp: Int64, isUrgent: Bool) {
        self.key = key
        self.timestamp = timestamp
        self.isUrgent = isUrgent
    }
}
