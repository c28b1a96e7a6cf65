/// What the server says to one client, apart from published events.
public enum ServerFrame: Equatable, Sendable {
    /// The greeting: always the first frame.
    case connectionEstablished(SocketID, activityTimeout: Int)
    /// A subscription holds from here on.
    case subscriptionSucceeded(channel: String)
    /// Something was wrong; the connection stays open.
    case error(code: Int?, message: String)
    /// A subscription was refused: what a channel's own error handlers hear.
    case subscriptionError(channel: String, message: String)
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
        case .subscriptionSucceeded(let channel):
            Self.append(#"{"event":"pusher_internal:subscription_succeeded","channel":"#, to: &output)
            JSONText.appendString(channel, to: &output)
            Self.append(#","data":"{}"}"#, to: &output)
        case .error(let code, let message):
            Self.append(#"{"event":"pusher:error","data":{"code":"#, to: &output)
            output.append(contentsOf: (code.map(String.init) ?? "null").utf8)
            Self.append(#","message":"#, to: &output)
            JSONText.appendString(message, to: &output)
            Self.append("}}", to: &output)
        case .subscriptionError(let channel, let message):
            let data = #"{"type":"AuthError","error":\#(JSONText.quoted(message)),"status":401}"#
            Self.append(#"{"event":"pusher:subscription_error","channel":"#, to: &output)
            JSONText.appendString(channel, to: &output)
            Self.append(#","data":"#, to: &output)
            JSONText.appendString(data, to: &output)
            output.append(UInt8(ascii: "}"))
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
