/// What a client said in one text frame.
public enum ClientFrame: Equatable, Sendable {
    /// `pusher:subscribe`.
    case subscribe(channel: String, auth: String?, channelData: String?)
    /// `pusher:unsubscribe`.
    case unsubscribe(channel: String)
    /// `pusher:ping`.
    case ping
    /// `pusher:pong`.
    case pong
    /// `pusher:signin`.
    case signIn(auth: String?, userData: String?)
    /// `client-…`: an event for the other subscribers; `data` is JSON text.
    case clientEvent(name: String, channel: String?, data: String?)
    /// Any other event.
    case unsupported(event: String)

    /// Reads one frame's text.
    ///
    /// `data` may be an object or a string that contains the object.
    ///
    /// - Throws: ``ChannelsError/invalidJSON(reason:offset:)`` or ``ChannelsError/invalidFrame(_:)``.
    public init(parsing text: UnsafeBufferPointer<UInt8>) throws(ChannelsError) {
        var event: String?
        var channel: String?
        var data: Range<Int>?
        var reader = JSONReader(text)
        guard try reader.peek() == .object else { throw .invalidFrame("A frame must be a JSON object") }
        try reader.readObject { (reader, key) throws(ChannelsError) in
            if reader.matches(key, "event"), try reader.peek() == .string {
                event = reader.decode(try reader.readString())
            } else if reader.matches(key, "channel"), try reader.peek() == .string {
                channel = reader.decode(try reader.readString())
            } else if reader.matches(key, "data") {
                data = try reader.skipValue()
            } else {
                _ = try reader.skipValue()
            }
        }
        try reader.finish()
        guard let event else { throw .invalidFrame("A frame must have a string 'event'") }
        switch event {
        case "pusher:ping": self = .ping
        case "pusher:pong": self = .pong
        case "pusher:subscribe":
            let members = try Members(text, data, event)
            guard let channel = members.channel else {
                throw .invalidFrame("pusher:subscribe needs data.channel, a string")
            }
            self = .subscribe(channel: channel, auth: members.auth, channelData: members.channelData)
        case "pusher:unsubscribe":
            let members = try Members(text, data, event)
            guard let channel = members.channel else {
                throw .invalidFrame("pusher:unsubscribe needs data.channel, a string")
            }
            self = .unsubscribe(channel: channel)
        case "pusher:signin":
            let members = try Members(text, data, event)
            self = .signIn(auth: members.auth, userData: members.userData)
        default:
            if event.hasPrefix("client-") {
                let json = data.map { String(decoding: text[$0], as: UTF8.self) }
                self = .clientEvent(name: event, channel: channel, data: json)
            } else {
                self = .unsupported(event: event)
            }
        }
    }

    /// The members of `data` that any `pusher:` event uses.
    private struct Members {
        var channel: String?
        var auth: String?
        var channelData: String?
        var userData: String?

        init(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>?, _ event: String) throws(ChannelsError) {
            guard let range else { throw .invalidFrame("\(event) needs 'data', an object") }
            switch text[range.lowerBound] {
            case UInt8(ascii: "{"):
                try self.read(UnsafeBufferPointer(rebasing: text[range]))
            case UInt8(ascii: "\""):
                let inside = JSONText.unescaped(
                    UnsafeBufferPointer(rebasing: text[(range.lowerBound + 1)..<(range.upperBound - 1)])
                )
                let result: Result<Members, ChannelsError> = inside.withUnsafeBufferPointer { bytes in
                    do throws(ChannelsError) {
                        var members = Members()
                        try members.read(bytes)
                        return .success(members)
                    } catch { return .failure(error) }
                }
                self = try result.get()
            default: throw .invalidFrame("\(event) needs 'data', an object")
            }
        }

        private init() {}

        private mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(ChannelsError) {
            var members = Members()
            var reader = JSONReader(bytes)
            try reader.readObject { (reader, key) throws(ChannelsError) in
                guard try reader.peek() == .string else {
                    _ = try reader.skipValue()
                    return
                }
                let value = try reader.readString()
                if reader.matches(key, "channel") {
                    members.channel = reader.decode(value)
                } else if reader.matches(key, "auth") {
                    members.auth = reader.decode(value)
                } else if reader.matches(key, "channel_data") {
                    members.channelData = reader.decode(value)
                } else if reader.matches(key, "user_data") {
                    members.userData = reader.decode(value)
                }
            }
            try reader.finish()
            self = members
        }
    }
}
