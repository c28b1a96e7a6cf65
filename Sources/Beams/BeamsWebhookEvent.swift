/// What receivers of an instance's webhooks are told.
///
/// Source: pusher.com/docs/beams/reference/webhooks.
public enum BeamsWebhookEvent: Hashable, Sendable {
    /// All that a publication to users sent has come to an end.
    case attempt(publishID: String, outcome: UsersOutcome)
    /// A user's device has a notification.
    case acknowledgement(publishID: String, user: String)
    /// A user opened one.
    case open(publishID: String, user: String)

    /// What became of a publication to users, each named once.
    public struct UsersOutcome: Hashable, Sendable {
        /// At least one device's service took it.
        public let delivered: [String]
        /// They have no device that it could be sent to.
        public let withoutDevices: [String]
        /// No device's service took it.
        public let failed: [String]

        /// Makes an outcome from its parts.
        public init(delivered: [String], withoutDevices: [String], failed: [String]) {
            self.delivered = delivered
            self.withoutDevices = withoutDevices
            self.failed = failed
        }
    }

    /// The event's name: `v1.…`.
    public var type: String {
        switch self {
        case .attempt: "v1.PublishToUsersAttempt"
        case .acknowledgement: "v1.UserNotificationAcknowledgement"
        case .open: "v1.UserNotificationOpen"
        }
    }

    /// The body of the request.
    ///
    /// - Parameters:
    ///   - instance: The instance's id.
    ///   - eventID: The same on every attempt.
    ///   - createdAt: The time, as in `2019-03-11T10:42:16+0000`.
    /// - Returns: JSON text.
    public func body(instance: String, eventID: String, createdAt: String) -> [UInt8] {
        var payload: [String: JSONValue] = ["instance_id": .string(instance)]
        switch self {
        case .attempt(let publishID, let outcome):
            payload["publish_id"] = .string(publishID)
            payload["users_delivered_to_gateway"] = .array(outcome.delivered.map(JSONValue.string))
            payload["users_no_devices"] = .array(outcome.withoutDevices.map(JSONValue.string))
            payload["users_gateway_failed"] = .array(outcome.failed.map(JSONValue.string))
        case .acknowledgement(let publishID, let user), .open(let publishID, let user):
            payload["publish_id"] = .string(publishID)
            payload["user_id"] = .string(user)
        }
        return JSONValue.object([
            "payload": .object(payload),
            "metadata": .object([
                "created_at": .string(createdAt), "event_type": .string(self.type), "event_id": .string(eventID),
                "product": .string("beams"),
            ]),
            "custom_data": .object([:]),
        ]).bytes
    }
}

/// The older webhooks of a publication to interests that names a `webhookUrl` of its own: it has started, it has finished.
///
/// Source: pusher.com/docs/beams/reference/webhooks, "Publish webhooks".
public enum BeamsPublishHook {
    /// How many devices' services took it, and did not.
    public struct Count: Hashable, Sendable {
        /// The platform: `apns`, `fcm`, `web`.
        public let platform: String
        /// Devices whose service took it.
        public let sent: Int64
        /// Devices whose service did not.
        public let failed: Int64

        /// Makes a count from its parts.
        public init(platform: String, sent: Int64, failed: Int64) {
            self.platform = platform
            self.sent = sent
            self.failed = failed
        }
    }

    /// The body at the start.
    ///
    /// - Throws: ``BeamsError`` when the request is no JSON.
    public static func started(publishID: String, request: [UInt8]) throws(BeamsError) -> [UInt8] {
        JSONValue.object([
            "publishId": .string(publishID), "status": .string("STARTED"),
            "requestBody": try JSONValue(parsing: request),
        ]).bytes
    }

    /// The body at the end.
    ///
    /// - Throws: ``BeamsError`` when the request is no JSON.
    public static func finished(
        publishID: String, request: [UInt8], counts: [Count]
    ) throws(BeamsError) -> [UInt8] {
        var results: [String: JSONValue] = [:]
        for count in counts {
            results[count.platform] = .object([
                "numSuccessfulPublishes": .integer(count.sent), "numFailedPublishes": .integer(count.failed),
            ])
        }
        return JSONValue.object([
            "publishId": .string(publishID), "status": .string("FINISHED"),
            "requestBody": try JSONValue(parsing: request), "results": .object(results),
        ]).bytes
    }
}
