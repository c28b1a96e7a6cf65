/// What can be wrong with the settings or the data of a notification.
public enum NotificationError: Error, Hashable, CustomStringConvertible {
    /// The webhook signing secret cannot be used. The secret itself is never part of the message.
    case invalidWebhookSecret(reason: String)
    /// The address that a notification opens is not an absolute http or https URL of at most 1024 bytes.
    case invalidLink(String)
    /// The APNs topic is not a bundle id.
    case invalidTopic(String)
    /// The payload exceeds what the service takes, even in its shortest form.
    case tooLarge(service: String, bytes: Int, limit: Int)
    /// The text is no quiet hours.
    case invalidQuietHours(String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .invalidWebhookSecret(let reason):
            "The webhook signing secret \(reason). Write whsec_ and the Base64 of 24 to 64 random bytes."
        case .invalidLink(let link):
            "'\(link)' is not a link for notifications. Write an http or https URL of at most 1024 bytes."
        case .invalidTopic(let topic):
            "'\(topic)' is not an APNs topic. Write the app's bundle id, for example com.example.prices."
        case .tooLarge(let service, let bytes, let limit):
            "The \(service) payload has \(bytes) bytes at its shortest, the limit is \(limit). Shorten the link or topic."
        case .invalidQuietHours(let text):
            "'\(text)' are no quiet hours. Write windows such as '22:00-07:00' or 'mon-fri 22:00-07:00; sat,sun 23:30-09:00'."
        }
    }
}
