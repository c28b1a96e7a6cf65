public import Market
public import Notifications

/// A Live Activity of a user's, or the wish to have one begun by push.
public struct LiveActivity: Hashable, Sendable {
    /// Which activity.
    public struct Key: Hashable, Sendable {
        /// The device's number.
        public let deviceID: Int64
        /// What it shows.
        public let symbol: Symbol

        /// Names an activity.
        public init(deviceID: Int64, symbol: Symbol) {
            self.deviceID = deviceID
            self.symbol = symbol
        }
    }

    /// Which activity it is.
    public var key: Key { Key(deviceID: self.deviceID, symbol: self.symbol) }
    /// What its token does.
    public enum Kind: Hashable, Sendable {
        /// It updates one activity.
        case update
        /// It begins activities of this `ActivityAttributes` type.
        case start(attributesType: String)
    }

    /// The device's number, of the token.
    public let deviceID: Int64
    /// Whose it is.
    public let user: String
    /// How it is reached.
    public let device: APNsDevice
    /// Whose price it shows.
    public let symbol: Symbol
    /// What its token does.
    public let kind: Kind
    /// When it was registered for the symbol.
    public let askedAt: Timestamp
    /// When the last activity was begun by push.
    public let startedAt: Timestamp?
    /// The last push.
    public let sentAt: Timestamp?
    /// The newest timestamp that was sent.
    public let lastTimestamp: Int64
    /// Whether its token has ever worked.
    public let hasSucceeded: Bool
}
