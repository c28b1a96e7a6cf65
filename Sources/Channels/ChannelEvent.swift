/// One event on its way to the subscribers of a channel.
public struct ChannelEvent: Sendable, Hashable {
    /// Whether a channel remembers an event for those who come later.
    public enum Retention: Sendable, Hashable {
        /// Delivered and forgotten.
        case none
        /// Delivered; its data is what a new subscriber gets as `snapshot`.
        case deliverAndKeepAsSnapshot
        /// Not delivered; its data is what a new subscriber gets as `snapshot`.
        ///
        /// Without data the channel, unless it is a cache channel, forgets what it holds.
        case keepOnly
    }

    /// The channel's name.
    public var channel: String
    /// The event's name.
    public var name: String
    /// The content of the frame's `data` string as UTF-8: JSON text, not yet escaped.
    public var data: [UInt8]
    /// The connection that does not get the event, by its socket id.
    public var excludedSocketID: String?
    /// Whether the channel remembers it.
    public var retention: Retention

    /// An event named `name` for `channel`.
    public init(
        channel: String,
        name: String,
        data: [UInt8],
        excludedSocketID: String? = nil,
        retention: Retention = .none
    ) {
        self.channel = channel
        self.name = name
        self.data = data
        self.excludedSocketID = excludedSocketID
        self.retention = retention
    }
}

/// Takes events to subscribers: the hub of this process, or another process.
public protocol EventPublisher: Sendable {
    /// Hands `events` over; never blocks, callable from any thread and event loop.
    ///
    /// The order of one caller is kept.
    func publish(_ events: [ChannelEvent])
}
