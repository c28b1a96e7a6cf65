/// Something that happened on an app's channels and that the app's own server may want to know (protocol section 10).
public enum ChannelActivity: Sendable, Hashable {
    /// The channel got its first subscriber.
    case occupied(channel: String)
    /// The channel lost its last subscriber.
    case vacated(channel: String)
    /// A user's first connection joined a presence channel.
    case memberAdded(channel: String, userID: String)
    /// A user's last connection left a presence channel.
    case memberRemoved(channel: String, userID: String)
    /// A client event was accepted; `data` is the content of the frame's data string, `userID` is of presence channels.
    case clientEvent(channel: String, event: String, data: String, socketID: String, userID: String?)
    /// Somebody subscribed to a cache channel that holds nothing.
    case cacheMiss(channel: String)
    /// The number of subscribers of a channel changed.
    case subscriptionCount(channel: String, count: Int)

    /// The channel it happened on.
    public var channel: String {
        switch self {
        case .occupied(let channel), .vacated(let channel), .memberAdded(let channel, _),
            .memberRemoved(let channel, _), .clientEvent(let channel, _, _, _, _), .cacheMiss(let channel),
            .subscriptionCount(let channel, _):
            channel
        }
    }
}
