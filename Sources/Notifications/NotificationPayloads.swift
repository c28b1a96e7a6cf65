public import Alerts
public import Market

/// Everything that one firing tells the world, built at once so that it can be stored in the transaction of the firing.
public struct NotificationPayloads: Hashable, Sendable {
    /// The id of the event on every path: `alert-ALERT-CROSSING`.
    public let eventID: String
    /// The request to APNs, without device and token.
    public let apns: APNsNotification
    /// The FCM message, without target.
    public let fcm: FCMMessage
    /// The Web Push message, before encryption.
    public let webPush: WebPushMessage
    /// What is pushed to the user's devices.
    public let content: PushContent
    /// The JSON body of the webhook: `type`, `timestamp`, `data`.
    public let webhook: [UInt8]
    /// The realtime channel: `private-alerts-USER`.
    public let channelName: String
    /// The JSON text of the event `alert` on that channel.
    public let channelData: [UInt8]

    /// The event's name on the realtime channel.
    public static let channelEventName = "alert"
    /// The `type` of a webhook's body.
    public static let webhookType = "alert.fired"

    /// Builds all payloads of a firing.
    ///
    /// Deterministic.
    ///
    /// - Parameters:
    ///   - fired: The firing.
    ///   - options: The settings.
    ///   - decimals: How many decimals the symbol's prices have, by its tick size or as far as was seen; `nil` when that is not
    ///     known: then those of the prices in the firing count.
    ///   - now: The time of sending, for what is left of the validity; `nil` is the time of the firing.
    /// - Throws: ``NotificationError/tooLarge(service:bytes:limit:)`` when a payload does not fit in any form.
    public init(
        _ fired: FiredAlert, options: NotificationOptions, decimals: Int? = nil, now: Timestamp? = nil
    ) throws(NotificationError) {
        let details = AlertDetails(fired: fired, options: options, decimals: decimals)
        let now = now ?? fired.firedAt
        self.eventID = details.eventID
        self.apns = try APNsNotification(fired, options: options, decimals: decimals)
        self.fcm = try FCMMessage(fired, options: options, decimals: decimals, now: now)
        self.webPush = try WebPushMessage(fired, options: options, decimals: decimals, now: now)
        self.content = details.content
        self.channelName = Self.channelName(user: fired.alert.user)
        self.channelData = JSONWriter.object { details.write(to: &$0) }
        self.webhook = JSONWriter.object { writer in
            writer.string("type", Self.webhookType)
            writer.string("timestamp", fired.firedAt.description)
            writer.object("data") { details.write(to: &$0) }
        }
    }

    /// The private channel on which a user hears of their alerts.
    public static func channelName(user: String) -> String { "private-alerts-\(user)" }
}
