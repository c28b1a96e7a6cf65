public import FeedLanguage
public import Market

/// What happens to a feed's connections, for whoever answers for its data.
///
/// Told on the connection's event loop, in order with its ticks.
public enum FeedEvent: Sendable {
    /// A connection is gone that nobody wanted to end.
    ///
    /// `time` is when its last frame came; `isStall` means that it was given up because nothing came any more.
    case lost(symbols: [Symbol], time: Timestamp, isStall: Bool, reason: String)
    /// A connection is subscribed, for the first time or again.
    case restored(symbols: [Symbol], time: Timestamp)
    /// Frames between two numbers are missing.
    ///
    /// Ticks of any of the symbols may be among them; `since` is when the frame numbered `from` came.
    case gap(symbols: [Symbol], from: Int64, to: Int64, since: Timestamp?, time: Timestamp)
    /// The venue says whether symbols trade.
    case trading([TradingStatus])
    /// The connection's state changed.
    case changed(FeedSession.Status)
}

/// Takes what happens to the connections of feeds.
public typealias FeedEventSink = @Sendable (_ venue: Venue, _ event: FeedEvent) -> Void
