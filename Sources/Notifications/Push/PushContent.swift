public import Market

/// What a push notification says, neutral of the service that carries it.
///
/// Every builder turns it into its service's request. Text may be any Unicode: builders take out control characters,
/// keep direction marks balanced and shorten at character boundaries, so that no content makes a request invalid.
public struct PushContent: Hashable, Sendable {
    /// The event's id, the same on every path, so that who hears of it twice can tell: `alert-17-3`.
    public var eventID: String
    /// The first line.
    public var title: String
    /// The line under the title; services without one put it before the body.
    public var subtitle: String?
    /// The text.
    public var body: String
    /// Groups notifications on screen: the symbol or the watchlist.
    public var threadID: String
    /// What a newer notification with the same id replaces: the alert.
    public var collapseID: String
    /// How loudly it asks for attention.
    public var priority: NotificationPriority
    /// When what it tells happened.
    public var createdAt: Timestamp
    /// After which it is worthless: services get what is left of it as expiration or TTL.
    public var expiresAt: Timestamp
    /// What a tap opens, an absolute URL.
    public var link: String?
    /// A picture, an absolute https URL.
    public var imageURL: String?
    /// The name of a sound in the app; `nil` is the service's own unless the priority is passive.
    public var sound: String?
    /// The number on the app's icon; `nil` leaves it as it is.
    public var badge: Int?
    /// How the device itself says it in its language.
    public var localization: PushLocalization?
    /// Custom pairs for the app, in this order.
    public var data: [PushField]
    /// Buttons.
    public var actions: [PushAction]
    /// The price's recent course for a small chart: at most 24 points, each 0…100.
    public var sparkline: [Int]
    /// The instrument it is about.
    public var symbol: Symbol?
    /// Whether the app is told without anything being shown.
    public var isSilent: Bool
    /// How it ranks in a summary, 0…1; `nil` leaves that to the device.
    public var relevance: Double?
    /// The app's name for its kind of notification, which decides about buttons: APNs' `category`.
    public var category: String?
    /// A payload that somebody else wrote for the service, sent in place of the one that is made of all this.
    ///
    /// A JSON object of at least one member; for FCM the message without its target. Ids, times and priority still count.
    public var finishedPayload: [UInt8]?

    /// Points of a sparkline at most.
    public static let sparklinePointsMax = 24

    /// Makes a content; what is not given is absent.
    public init(
        eventID: String, title: String, body: String, threadID: String, collapseID: String,
        priority: NotificationPriority = .active, createdAt: Timestamp, expiresAt: Timestamp
    ) {
        self.eventID = eventID
        self.title = title
        self.body = body
        self.threadID = threadID
        self.collapseID = collapseID
        self.priority = priority
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.data = []
        self.actions = []
        self.sparkline = []
        self.isSilent = false
    }

    /// Whole seconds of validity that are left at `now`, never negative.
    public func remainingSeconds(at now: Timestamp) -> Int64 {
        max(0, (self.expiresAt.microseconds - now.microseconds) / 1_000_000)
    }
}

/// A named value for an app.
public struct PushField: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The value.
    public let value: String

    /// Makes a pair.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The keys under which an app keeps its own translations, and what is filled in.
///
/// Devices that know the keys show them; `title` and `body` of the content stay as what is shown elsewhere.
public struct PushLocalization: Hashable, Sendable {
    /// The title's key; `nil` keeps the title.
    public var titleKey: String?
    /// What is filled into the title.
    public var titleArguments: [String]
    /// The body's key; `nil` keeps the body.
    public var bodyKey: String?
    /// What is filled into the body.
    public var bodyArguments: [String]

    /// Makes keys with their arguments.
    public init(
        titleKey: String? = nil, titleArguments: [String] = [], bodyKey: String? = nil, bodyArguments: [String] = []
    ) {
        self.titleKey = titleKey
        self.titleArguments = titleArguments
        self.bodyKey = bodyKey
        self.bodyArguments = bodyArguments
    }
}

/// A button of a notification.
public struct PushAction: Hashable, Sendable {
    /// What the app or the page is told: `snooze`, `rearm`.
    public let id: String
    /// What is written on it.
    public let title: String
    /// What it opens, an absolute URL; `nil` leaves the tap to the app.
    public let link: String?

    /// Makes a button.
    public init(id: String, title: String, link: String? = nil) {
        self.id = id
        self.title = title
        self.link = link
    }
}
