public import Market

/// A push to an activity that somebody wants to send.
public struct ActivityClaim: Hashable, Sendable {
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

    /// Which activity.
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
