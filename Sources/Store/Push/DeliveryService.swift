/// Who takes a delivery to its target.
public enum DeliveryService: String, Sendable, Hashable, CaseIterable {
    /// An HTTP POST signed as Standard Webhooks demands.
    case webhook
    /// Apple Push Notification service.
    case apns
    /// A Live Activity over the same.
    case liveActivity
    /// A broadcast channel over the same.
    case apnsChannel
    /// Firebase Cloud Messaging.
    case fcm
    /// A browser's push service.
    case webPush
    /// Hosted Pusher Beams.
    case beams
    /// An ntfy server.
    case ntfy
    /// A Slack incoming webhook.
    case slack
    /// A Discord webhook.
    case discord
    /// A Telegram bot.
    case telegram
    /// An HTTP POST signed as Pusher Beams does.
    case beamsWebhook

    /// Those that devices of users have.
    public static let ofDevices = Self.allCases.filter { $0 != .beamsWebhook }
}
