public import Market
public import Notifications

/// A broadcast channel for a symbol: asked for, or made.
public struct LiveChannel: Hashable, Sendable {
    /// Which channel of an app.
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

    /// Which of its app's channels it is.
    public var key: Key { Key(symbol: self.symbol, environment: self.environment) }
    /// Whose price it tells.
    public let symbol: Symbol
    /// The app's bundle id.
    public let topic: String
    /// Which of Apple's services has it.
    public let environment: APNsEnvironment
    /// Apple's id; `nil` while it is not made.
    public let id: String?
    /// When it was first asked for.
    public let createdAt: Timestamp
    /// When an app asked for it last.
    public let wantedAt: Timestamp
    /// The last push to it.
    public let sentAt: Timestamp?
    /// The newest timestamp that was sent.
    public let lastTimestamp: Int64

    /// Makes a channel of its parts.
    public init(
        symbol: Symbol, topic: String, environment: APNsEnvironment, id: String?, createdAt: Timestamp,
        wantedAt: Timestamp, sentAt: Timestamp? = nil, lastTimestamp: Int64 = 0
    ) {
        self.symbol = symbol
        self.topic = topic
        self.environment = environment
        self.id = id
        self.createdAt = createdAt
        self.wantedAt = wantedAt
        self.sentAt = sentAt
        self.lastTimestamp = lastTimestamp
    }
}
