public import Market
public import Notifications

/// Something of a user's that can be notified.
public struct Device: Sendable, Hashable, Identifiable {
    /// The device's number.
    public let id: Int64
    /// Whose it is.
    public let user: String
    /// How it is reached.
    ///
    /// Holds secrets.
    public let target: PushTarget
    /// The language it asked for, as in BCP 47.
    public let locale: String?
    /// When it was first registered.
    public let createdAt: Timestamp
    /// When it was registered last: apps do that at each start.
    public let lastRegisteredAt: Timestamp
    /// When its service last took something for it, to within an hour.
    public let lastSuccessAt: Timestamp?
    /// Why nothing is sent to it any more, until it registers again.
    public let disabledReason: String?

    /// Makes a device of its parts.
    public init(
        id: Int64, user: String, target: PushTarget, locale: String? = nil, createdAt: Timestamp,
        lastRegisteredAt: Timestamp, lastSuccessAt: Timestamp? = nil, disabledReason: String? = nil
    ) {
        self.id = id
        self.user = user
        self.target = target
        self.locale = locale
        self.createdAt = createdAt
        self.lastRegisteredAt = lastRegisteredAt
        self.lastSuccessAt = lastSuccessAt
        self.disabledReason = disabledReason
    }

    /// Which service reaches it.
    public var service: DeliveryService { StoredTarget(self.target).service }
}
