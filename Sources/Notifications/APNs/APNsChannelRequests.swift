import FoundationEssentials
public import Market

/// Managing broadcast channels and sending to them, for one app.
///
/// Source: Apple, "Sending channel management requests to APNs" and "Sending broadcast push notification requests to APNs".
public struct APNsChannelRequests: Sendable {
    /// What a channel keeps for devices that are offline.
    public enum Storage: Int, Hashable, Sendable {
        /// Nothing; has the larger publishing budget, right for prices.
        case none = 0
        /// The newest message, for up to eight hours.
        case newest = 1
    }

    /// How many channels an app may have in each environment.
    public static let channelsMax = 10_000

    private let topic: String
    private let providerToken: PushSecret
    private let servers: APNsServers

    /// Checks the topic and makes requests.
    ///
    /// - Parameters:
    ///   - topic: The app's bundle id.
    ///   - environment: Apple's service.
    ///   - providerToken: From ``APNsKey/token(now:)``.
    ///   - servers: `nil` takes Apple's for the environment.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public init(
        topic: String, environment: APNsEnvironment, providerToken: PushSecret, servers: APNsServers? = nil
    ) throws(PushError) {
        try APNsBuilder.check(topic: topic)
        self.topic = topic
        self.providerToken = providerToken
        self.servers = servers ?? APNsServers(environment)
    }

    /// Makes a channel; the answer's header `apns-channel-id` names it.
    ///
    /// - Parameters:
    ///   - storage: What it keeps.
    ///   - requestID: Any text, the same on every attempt.
    /// - Returns: The request.
    public func create(storage: Storage, requestID: String) -> PushRequest {
        let body = JSONWriter.object { writer in
            writer.integer("message-storage-policy", Int64(storage.rawValue))
            writer.string("push-type", "LiveActivity")
        }
        return self.request("POST", "channels", requestID: requestID, body: body)
    }

    /// Asks for a channel's settings.
    public func read(_ channelID: String, requestID: String) throws(PushError) -> PushRequest {
        self.request("GET", "channels", channelID: try Self.checked(channelID), requestID: requestID)
    }

    /// Removes a channel.
    public func delete(_ channelID: String, requestID: String) throws(PushError) -> PushRequest {
        self.request("DELETE", "channels", channelID: try Self.checked(channelID), requestID: requestID)
    }

    /// Asks for the ids of all channels.
    public func list(requestID: String) -> PushRequest { self.request("GET", "all-channels", requestID: requestID) }

    /// Sends an update or the end to everybody whose activity listens to a channel; a broadcast cannot start activities.
    ///
    /// - Parameters:
    ///   - push: What changes.
    ///   - channelID: The channel.
    ///   - storage: What the channel keeps: the expiration must be 0 if it keeps nothing.
    ///   - expiresAt: After which it need not arrive.
    ///   - eventID: The same on every attempt.
    /// - Returns: The request.
    /// - Throws: ``PushError/badTarget(service:part:reason:)`` or ``PushError/tooLarge(service:bytes:limit:)``.
    public func send(
        _ push: LiveActivityPush, to channelID: String, storage: Storage, expiresAt: Timestamp, eventID: String
    ) throws(PushError) -> PushRequest {
        if case .start = push.event {
            throw .badTarget(
                service: "APNs", part: "broadcast",
                reason: "cannot start activities; start them by push-to-start tokens with input-push-channel")
        }
        let channelID = try Self.checked(channelID)
        let (body, extent) = try push.fitting(limit: APNsBuilder.broadcastLimit)
        let expiration = storage == .none ? 0 : max(0, expiresAt.unixSeconds)
        let headers = [
            NotificationHeader("authorization", "bearer \(self.providerToken.exposed)"),
            NotificationHeader("apns-request-id", NameBasedUUID.string("broadcast|\(eventID)|\(channelID)")),
            NotificationHeader("apns-channel-id", channelID),
            NotificationHeader("apns-push-type", "liveactivity"),
            NotificationHeader("apns-priority", String(push.priority)),
            NotificationHeader("apns-expiration", String(expiration)),
        ]
        return PushRequest(
            url: "\(self.servers.push)/4/broadcasts/apps/\(self.topic)", headers: headers, body: body, extent: extent)
    }

    private func request(
        _ method: String, _ path: String, channelID: String? = nil, requestID: String, body: [UInt8] = []
    ) -> PushRequest {
        var headers = [
            NotificationHeader("authorization", "bearer \(self.providerToken.exposed)"),
            NotificationHeader("apns-request-id", NameBasedUUID.string("channels|\(requestID)")),
        ]
        if let channelID { headers.append(NotificationHeader("apns-channel-id", channelID)) }
        return PushRequest(
            method: method, url: "\(self.servers.channels)/1/apps/\(self.topic)/\(path)", headers: headers, body: body)
    }

    private static func checked(_ channelID: String) throws(PushError) -> String {
        guard (1...128).contains(channelID.utf8.count), Data(base64Encoded: channelID) != nil else {
            throw .badTarget(
                service: "APNs", part: "channel id", reason: "is not Base64 as the header apns-channel-id gave it")
        }
        return channelID
    }

    /// The new channel's id, from the answer to ``create(storage:requestID:)``.
    public static func createdID(_ response: PushResponse) throws(PushError) -> String {
        guard response.status == 201, let id = response.header("apns-channel-id") else {
            throw .badAnswer(
                service: "APNs",
                reason: "\(PushReply.reason(response.status, PushReply.text(response))) in place of a channel's id")
        }
        return try self.checked(id)
    }

    /// The ids of all channels, from the answer to ``list(requestID:)``.
    public static func listedIDs(_ response: PushResponse) throws(PushError) -> [String] {
        struct Listing: Decodable { var channels: [String] }
        // Ten thousand ids of 24 characters are more than other answers may have.
        let body = Data(response.body.prefix(1 << 20))
        guard response.status == 200, let listing = try? JSONDecoder().decode(Listing.self, from: body) else {
            throw .badAnswer(service: "APNs", reason: "HTTP \(response.status) in place of a list of channels")
        }
        return listing.channels
    }

    /// What a channel keeps, from the answer to ``read(_:requestID:)``.
    public static func storage(_ response: PushResponse) throws(PushError) -> Storage {
        struct Channel: Decodable {
            var policy: Int
            enum CodingKeys: String, CodingKey { case policy = "message-storage-policy" }
        }
        guard response.status == 200, let channel = PushReply.decode(Channel.self, response),
            let storage = Storage(rawValue: channel.policy)
        else { throw .badAnswer(service: "APNs", reason: "HTTP \(response.status) in place of a channel") }
        return storage
    }
}
