/// What was done about live prices, for metrics.
struct LivePriceCounters: Sendable, Equatable {
    /// Pushes that APNs took.
    var sent = 0
    /// Looks at a price that had changed too soon after the last push.
    var heldBack = 0
    /// Pushes that were not taken or not sent: refused, unanswered, or the credential is held back.
    var refused = 0
    /// Activities begun by push.
    var started = 0
    /// Tokens and channels that APNs does not know any more.
    var removed = 0
    /// Broadcast channels that are sent to.
    var channels = 0
    /// Activities that are sent to.
    var activities = 0
}
