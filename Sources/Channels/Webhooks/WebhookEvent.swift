/// One event of a webhook, as it goes into the body.
public struct WebhookEvent: Sendable, Equatable {
    /// What happened.
    public let kind: WebhookEventKind
    /// The event's JSON object.
    public let json: [UInt8]

    /// Writes `activity` down.
    public init(_ activity: ChannelActivity) {
        self.kind = activity.webhookKind
        var json: [UInt8] = []
        func member(_ name: String, _ value: String) {
            json.append(contentsOf: ",\"\(name)\":".utf8)
            JSONText.appendString(value, to: &json)
        }
        json.append(contentsOf: "{\"name\":\"\(self.kind.rawValue)\"".utf8)
        member("channel", activity.channel)
        switch activity {
        case .occupied, .vacated, .cacheMiss: break
        case .memberAdded(_, let userID), .memberRemoved(_, let userID): member("user_id", userID)
        case .clientEvent(_, let event, let data, let socketID, let userID):
            member("event", event)
            // A string, whatever the client sent: strict libraries fail on anything else.
            member("data", data)
            member("socket_id", socketID)
            if let userID { member("user_id", userID) }
        case .subscriptionCount(_, let count): json.append(contentsOf: ",\"subscription_count\":\(count)".utf8)
        }
        json.append(UInt8(ascii: "}"))
        self.json = json
    }

    /// The body of a request.
    ///
    /// - Parameters:
    ///   - events: The events in the order they happened.
    ///   - milliseconds: The time in milliseconds since 1970.
    /// - Returns: The JSON text that is signed and sent.
    static func body(of events: [WebhookEvent], milliseconds: Int64) -> [UInt8] {
        var body = Array("{\"time_ms\":\(milliseconds),\"events\":[".utf8)
        for (index, event) in events.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(contentsOf: event.json)
        }
        body.append(contentsOf: "]}".utf8)
        return body
    }
}
