public import Market

/// Notifications that a user is told of as one: those beyond the budget, and those that quiet hours held back.
public struct NotificationSummary: Hashable, Sendable, Codable {
    /// Ids of events that it lists: the newest ones.
    public static let eventsMax = 20
    /// Names in its text: those of the newest.
    public static let namesMax = 8
    /// How long after it is due it is worth something.
    public static let validity = Duration.seconds(6 * 3_600)
    private static let eventsBytesMax = 800
    private static let nameCharactersMax = 40

    /// Its own id: that of the first event, with a prefix.
    public let id: String
    /// How many notifications it stands for.
    public private(set) var count = 0
    /// The ids of their events, the newest first.
    public private(set) var events: [String] = []
    /// What they are about, the newest first, each once.
    public private(set) var names: [String] = []
    /// Whether there were more names than are listed.
    public private(set) var hasMoreNames = false
    /// Whether any of them is more than passive.
    public private(set) var isActive = false
    /// Whether they are urgent.
    public private(set) var isUrgent = false
    /// The newest one's link.
    public private(set) var link: String?
    private var newestAt: Int64 = 0

    /// A summary that begins with one notification.
    public init(_ first: PushContent) {
        self.id = "summary-" + first.eventID
        self.add(first)
    }

    /// Adds a newer notification.
    public mutating func add(_ content: PushContent) {
        self.count += 1
        self.events.insert(content.eventID, at: 0)
        var bytes = 0
        let fitting = self.events.prefix(Self.eventsMax).prefix { event in
            bytes += event.utf8.count + 1
            return bytes <= Self.eventsBytesMax
        }
        self.events = Array(fitting)
        let name = String((content.symbol?.name ?? content.title).prefix(Self.nameCharactersMax))
        self.names.removeAll { $0 == name }
        self.names.insert(name, at: 0)
        if self.names.count > Self.namesMax {
            self.names.removeLast()
            self.hasMoreNames = true
        }
        self.isActive = self.isActive || content.priority != .passive
        self.isUrgent = self.isUrgent || content.priority == .urgent
        self.link = content.link
        self.newestAt = max(self.newestAt, content.createdAt.microseconds)
    }

    /// What is sent.
    ///
    /// - Parameter due: When it is to be sent.
    /// - Returns: One notification, whose data has `count` and, as far as they fit, the ids in `events`.
    public func content(due: Timestamp) -> PushContent {
        var content = PushContent(
            eventID: self.id, title: "\(self.count) more \(self.count == 1 ? "alert" : "alerts")",
            body: self.names.joined(separator: ", ") + (self.hasMoreNames ? " …" : ""), threadID: "summary",
            collapseID: self.id, priority: self.isUrgent ? .urgent : self.isActive ? .active : .passive,
            createdAt: Timestamp(microseconds: self.newestAt),
            expiresAt: due.advanced(byNanoseconds: Int64(Self.validity / .nanoseconds(1))))
        content.link = self.link
        content.category = "alert-summary"
        content.data = [
            PushField("count", String(self.count)), PushField("events", self.events.joined(separator: ",")),
        ]
        return content
    }
}
