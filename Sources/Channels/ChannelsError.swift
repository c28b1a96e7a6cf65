/// What can be wrong with what a client or a publisher says.
public enum ChannelsError: Error, Equatable, CustomStringConvertible {
    /// The text is no channel name.
    case invalidChannelName(String)
    /// The text is no socket id.
    case invalidSocketID(String)
    /// A frame or a body is not JSON: `reason` at byte `offset`.
    case invalidJSON(reason: String, offset: Int)
    /// The JSON is well formed but not what is expected.
    case invalidFrame(String)

    /// One line for whoever sent it.
    public var description: String {
        switch self {
        case .invalidChannelName(let text):
            "Invalid channel name '\(Self.shortened(text))': use 1 to \(ChannelName.lengthMax) of A-Z a-z 0-9 _ - = @ , . ;"
        case .invalidSocketID(let text):
            "Invalid socket id '\(Self.shortened(text))': two decimal numbers joined by a dot are expected, as in 1234.5678"
        case .invalidJSON(let reason, let offset):
            "Invalid JSON at byte \(offset): \(reason)"
        case .invalidFrame(let reason):
            reason
        }
    }

    /// At most 210 characters of what somebody sent, for use in a message.
    static func shortened(_ text: String) -> String {
        text.count <= 210 ? text : String(text.prefix(210)) + "…"
    }
}
