/// What one client of the event stream (`text/event-stream`, HTML standard section 9.2) gets, without I/O.
///
/// Frames of the Pusher protocol come in, the response's text goes out. The response begins when every channel has been
/// joined; until then it can still be refused with a status.
public struct EventStream: Sendable {
    /// What to do with the response.
    public enum Action: Equatable, Sendable {
        /// Nothing.
        case doNothing
        /// Send the head and then this text.
        case begin([UInt8])
        /// Send this text.
        case write([UInt8])
        /// Refuse the request: the channel could not be joined.
        case refuse(channel: String, message: String)
    }

    private enum State {
        case joining(Set<String>, early: [UInt8])
        case open
        case refused
    }

    private var state: State

    /// A stream of `channels`, none of which has been joined yet.
    ///
    /// - Parameters:
    ///   - channels: At least one.
    ///   - retry: What a client is told to wait before it connects again.
    public init(channels: [ChannelName], retry: Duration) {
        let (seconds, attoseconds) = retry.components
        let text = "retry: \(seconds * 1000 + attoseconds / 1_000_000_000_000_000)\n\n"
        self.state = .joining(Set(channels.map(\.text)), early: Array(text.utf8))
    }

    /// A comment, which clients skip: it keeps proxies from closing a quiet stream.
    public static let heartbeat = Array(": \n\n".utf8)

    /// The protocol side sends a frame.
    ///
    /// Events become `event`, `id` and `data`; what the protocol says about itself is left out.
    public mutating func received(_ message: EventStreamMessage) -> Action {
        switch self.state {
        case .joining(var channels, var early):
            switch message.event {
            case "pusher_internal:subscription_succeeded":
                channels.remove(message.channel)
                self.state = channels.isEmpty ? .open : .joining(channels, early: early)
                return channels.isEmpty ? .begin(early) : .doNothing
            case "pusher:subscription_error":
                self.state = .refused
                return .refuse(channel: message.channel, message: message.reason)
            default:
                early += message.text
                self.state = .joining(channels, early: early)
                return .doNothing
            }
        case .open:
            return message.text.isEmpty ? .doNothing : .write(message.text)
        case .refused:
            return .doNothing
        }
    }
}
