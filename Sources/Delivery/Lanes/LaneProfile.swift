/// What kind of service a lane belongs to, and what that means for sending.
public struct LaneProfile: Hashable, Sendable {
    /// Deliveries on their way at once.
    public let concurrencyMax: Int
    /// When to try again.
    public let retries: RetryPolicy
    /// Whether a service that asks for a pause means all that goes this way, not one device.
    public let isThrottledAsWhole: Bool

    /// Whether each target is its own credential: one that is refused then concerns that target alone.
    public let isCredentialTheTarget: Bool

    /// Makes a profile.
    public init(
        concurrencyMax: Int, retries: RetryPolicy, isThrottledAsWhole: Bool, isCredentialTheTarget: Bool = false
    ) {
        self.isCredentialTheTarget = isCredentialTheTarget
        self.concurrencyMax = max(1, concurrencyMax)
        self.retries = retries
        self.isThrottledAsWhole = isThrottledAsWhole
    }

    /// The profile of a lane, by the service that its name begins with.
    ///
    /// Concurrency: APNs four connections of 250 requests, FCM ten of 100; a push service, webhook receiver or chat is
    /// somebody else's machine. Back-off: docs/notifications.md.
    public static func profile(lane: String) -> LaneProfile {
        let push = RetryPolicy(base: .seconds(1), longest: .seconds(300))
        switch lane.prefix(while: { $0 != ":" }) {
        case "apns": return LaneProfile(concurrencyMax: 1_000, retries: push, isThrottledAsWhole: false)
        case "fcm":
            return LaneProfile(
                concurrencyMax: 1_000, retries: RetryPolicy(base: .seconds(10), longest: .seconds(300)),
                isThrottledAsWhole: true)
        case "webPush": return LaneProfile(concurrencyMax: 64, retries: push, isThrottledAsWhole: false)
        case "beams": return LaneProfile(concurrencyMax: 16, retries: push, isThrottledAsWhole: true)
        case "beamsWebhook":
            // The first four as Pusher has them, then up to three days more.
            return LaneProfile(
                concurrencyMax: 16,
                retries: RetryPolicy(base: .seconds(75), first: [10, 30, 120, 300].map { .seconds($0) }),
                isThrottledAsWhole: false, isCredentialTheTarget: true)
        case "ntfy", "slack", "discord", "telegram":
            return LaneProfile(
                concurrencyMax: 8, retries: push, isThrottledAsWhole: false, isCredentialTheTarget: true)
        default:
            return LaneProfile(
                concurrencyMax: 16, retries: RetryPolicy(), isThrottledAsWhole: false, isCredentialTheTarget: true)
        }
    }
}
