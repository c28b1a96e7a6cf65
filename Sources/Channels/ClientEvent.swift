/// An event that one client sends to the other subscribers of a channel, accepted.
public struct ClientEvent: Hashable, Sendable {
    /// The event's name; begins with `client-`.
    public let name: String
    /// The channel, which the sender is on.
    public let channel: ChannelName
    /// The content of the frame's data string: what the client sent when that was a string, else its JSON text.
    public let data: String
    /// On presence channels the sender's user id, from its membership.
    public let userID: String?
}
