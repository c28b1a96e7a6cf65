/// What the server says to one client, apart from published events.
public enum ServerFrame: Equatable, Sendable {
    /// The greeting: always the first frame.
    case connectionEstablished(SocketID, activityTimeout: Int)
    /// A subscription holds from here on.
    ///
    /// `presence` is the JSON of the members when it is a presence channel.
    case subscriptionSucceeded(channel: String, presence: String? = nil)
    /// Something was wrong; the connection stays open.
    case error(code: Int?, message: String)
    /// A subscription was refused: what a channel's own error handlers hear.
    case subscriptionError(channel: String, message: String)
    /// A user's first connection joined a presence channel.
    case memberAdded(channel: String, PresenceMember)
    /// A user's last connection left a presence channel.
    case memberRemoved(channel: String, userID: String)
    /// A cache channel holds nothing.
    case cacheMiss(channel: String)
    /// How many connections a channel has.
    case subscriptionCount(channel: String, Int)
    /// The connection is signed in.
    case signInSucceeded(userData: String)
    /// Which watched users came and went; an empty list is left out.
    case watchlist(online: [String], offline: [String])
    /// Asks the client for a `pusher:pong`.
    case ping
    /// Answers `pusher:ping`.
    case pong

    /// Appends the frame's JSON.
    ///
    /// `data` is a string in every frame but `pusher:error`, because client libraries insist.
    public func write(to output: inout [UInt8]) {
        switch self {
        case .connectionEstablished(let socketID, let activityTimeout):
            let data = #"{"socket_id":"\#(socketID)","activity_timeout":\#(activityTimeout)}"#
            Self.append(#"{"event":"pusher:connection_established","data":"#, to: &output)
            JSONText.appendString(data, to: &output)
            output.append(UInt8(ascii: "}"))
        case .subscriptionSucceeded(let channel, nil):
            Self.append(#"{"event":"pusher_internal:subscription_succeeded","channel":"#, to: &output)
            JSONText.appendString(channel, to: &output)
            Self.append(#","data":"{}"}"#, to: &output)
        case .subscriptionSucceeded(let channel, let presence?):
            Self.write("pusher_internal:subscription_succeeded", channel, data: presence, to: &output)
        case .memberAdded(let channel, let member):
            let data = #"{"user_id":\#(JSONText.quoted(member.userID)),"user_info":\#(member.userInfo)}"#
            Self.write("pusher_internal:member_added", channel, data: data, to: &output)
        case .memberRemoved(let channel, let userID):
            let data = #"{"user_id":\#(JSONText.quoted(userID))}"#
            Self.write("pusher_internal:member_removed", channel, data: data, to: &output)
        case .cacheMiss(let channel):
            Self.write("pusher:cache_miss", channel, data: "{}", to: &output)
        case .subscriptionCount(let channel, let count):
            let data = #"{"subscription_count":\#(count)}"#
            Self.write("pusher_internal:subscription_count", channel, data: data, to: &output)
        case .signInSucceeded(let userData):
            Self.append(#"{"event":"pusher:signin_success","data":{"user_data":"#, to: &output)
            JSONText.appendString(userData, to: &output)
            Self.append("}}", to: &output)
        case .watchlist(let online, let offline):
            let events = [("online", online), ("offline", offline)].filter { !$0.1.isEmpty }.map { name, ids in
                #"{"name":"\#(name)","user_ids":[\#(ids.map { JSONText.quoted($0) }.joined(separator: ","))]}"#
            }
            Self.append(#"{"event":"pusher_internal:watchlist_events","data":"#, to: &output)
            JSONText.appendString(#"{"events":[\#(events.joined(separator: ","))]}"#, to: &output)
            output.append(UInt8(ascii: "}"))
        case .error(let code, let message):
            Self.append(#"{"event":"pusher:error","data":{"code":"#, to: &output)
            output.append(contentsOf: (code.map(String.init) ?? "null").utf8)
            Self.append(#","message":"#, to: &output)
            JSONText.appendString(message, to: &output)
            Self.append("}}", to: &output)
        case .subscriptionError(let channel, let message):
            let data = #"{"type":"AuthError","error":\#(JSONText.quoted(message)),"status":401}"#
            Self.write("pusher:subscription_error", channel, data: data, to: &output)
        case .ping:
            Self.append(#"{"event":"pusher:ping","data":"{}"}"#, to: &output)
        case .pong:
            Self.append(#"{"event":"pusher:pong","data":"{}"}"#, to: &output)
        }
    }

    /// Appends the JSON of a published event whose data is already escaped for the inside of a JSON string.
    ///
    /// - Returns: Where the escaped data stands in `output`.
    @discardableResult
    public static func writeEvent(
        name: String,
        channel: String,
        escapedData: UnsafeBufferPointer<UInt8>,
        to output: inout [UInt8]
    ) -> Range<Int> {
        Self.writeEventHead(name: name, channel: channel, to: &output)
        let start = output.count
        output.append(contentsOf: escapedData)
        let end = output.count
        Self.append(#""}"#, to: &output)
        return start..<end
    }

    /// Appends the JSON of a published event whose data is UTF-8 text.
    ///
    /// - Returns: Where the escaped data stands in `output`.
    @discardableResult
    public static func writeEvent(
        name: String,
        channel: String,
        data: UnsafeBufferPointer<UInt8>,
        to output: inout [UInt8]
    ) -> Range<Int> {
        Self.writeEventHead(name: name, channel: channel, to: &output)
        let start = output.count
        JSONText.appendEscaped(data, to: &output)
        let end = output.count
        Self.append(#""}"#, to: &output)
        return start..<end
    }

    /// Appends the JSON of a client event of another node, whose data is already escaped.
    package static func writeClientEvent(
        name: String, channel: String, escapedData: UnsafeBufferPointer<UInt8>, userID: String?,
        to output: inout [UInt8]
    ) {
        Self.writeEventHead(name: name, channel: channel, to: &output)
        output.append(contentsOf: escapedData)
        output.append(UInt8(ascii: "\""))
        if let userID {
            Self.append(#","user_id":"#, to: &output)
            JSONText.appendString(userID, to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    /// Appends the JSON of a client event; the sender's user id stands beside the data, where no client can put it.
    public static func write(_ event: ClientEvent, to output: inout [UInt8]) {
        Self.writeEventHead(name: event.name, channel: event.channel.text, to: &output)
        var data = event.data
        data.withUTF8 { JSONText.appendEscaped($0, to: &output) }
        output.append(UInt8(ascii: "\""))
        if let userID = event.userID {
            Self.append(#","user_id":"#, to: &output)
            JSONText.appendString(userID, to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    private static func write(_ event: StaticString, _ channel: String, data: String, to output: inout [UInt8]) {
        Self.append(#"{"event":""#, to: &output)
        Self.append(event, to: &output)
        Self.append(#"","channel":"#, to: &output)
        JSONText.appendString(channel, to: &output)
        Self.append(#","data":"#, to: &output)
        JSONText.appendString(data, to: &output)
        output.append(UInt8(ascii: "}"))
    }

    private static func writeEventHead(name: String, channel: String, to output: inout [UInt8]) {
        Self.append(#"{"event":"#, to: &output)
        JSONText.appendString(name, to: &output)
        Self.append(#","channel":"#, to: &output)
        JSONText.appendString(channel, to: &output)
        Self.append(#","data":""#, to: &output)
    }

    @inline(__always)
    private static func append(_ text: StaticString, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
