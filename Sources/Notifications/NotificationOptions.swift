/// How loudly a notification asks for attention.
public enum NotificationPriority: String, Hashable, Sendable, CaseIterable {
    /// Listed without sound, delivered when the device wakes.
    case passive
    /// Delivered at once with a sound.
    case active
    /// Delivered at once, also through a focus mode where the app is entitled to it.
    case urgent
}

/// What the payloads need to know beyond the firing.
public struct NotificationOptions: Hashable, Sendable {
    /// The APNs topic: the app's bundle id.
    public let topic: String
    /// The page a notification opens; `symbol` is added to its query.
    public let link: String
    /// How loudly it asks for attention, when the alert does not say.
    public let priority: NotificationPriority
    /// How numbers are written, when the alert does not say: `de-CH` and its like; `nil` writes plain digits.
    public let locale: String?
    /// For how many seconds after the firing it is worth showing: 1 to 2 419 200, by default 900.
    public let validitySeconds: Int64
    /// The key that hides the alert's id in the Web Push `Topic`, which the push service can read.
    public let topicKey: [UInt8]

    /// Checks and makes options.
    ///
    /// - Parameters:
    ///   - topic: The app's bundle id.
    ///   - link: The page a notification opens, an absolute http or https URL.
    ///   - priority: How loudly it asks for attention, when the alert does not say.
    ///   - locale: How numbers are written, when the alert does not say.
    ///   - validitySeconds: Clamped to 1…2 419 200.
    ///   - topicKey: Any bytes, secret and the same in all processes.
    /// - Throws: ``NotificationError/invalidTopic(_:)`` or ``NotificationError/invalidLink(_:)``.
    public init(
        topic: String = "dev.tickwire.app", link: String = "http://localhost:6001/",
        priority: NotificationPriority = .active, locale: String? = nil, validitySeconds: Int64 = 900,
        topicKey: [UInt8] = []
    ) throws(NotificationError) {
        let isTopicByte: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard (1...155).contains(topic.utf8.count), topic.utf8.allSatisfy(isTopicByte) else {
            throw .invalidTopic(topic)
        }
        guard link.hasPrefix("https://") || link.hasPrefix("http://"), link.utf8.count <= 1_024,
            link.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw .invalidLink(link) }
        self.topic = topic
        self.link = link
        self.priority = priority
        self.locale = locale
        self.validitySeconds = min(max(validitySeconds, 1), 2_419_200)
        self.topicKey = topicKey
    }
}
