public import Market

/// What goes over a feed's connections, for whoever records it.
public enum FeedTraffic: Sendable {
    /// A connection was opened.
    case opened(url: String)
    /// A frame was sent.
    case sent(url: String, [UInt8])
    /// A frame arrived.
    case received([UInt8])
    /// A request was answered.
    case answered(url: String, [UInt8])
}

/// Sees all traffic of a feed.
///
/// Called where the traffic happens, on event loops and tasks, in order for each connection: must not block.
public typealias FeedTap = @Sendable (_ connection: String, _ traffic: FeedTraffic, _ time: Timestamp) -> Void
