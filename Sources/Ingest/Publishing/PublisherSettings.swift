/// How a publisher behaves towards its server.
public struct PublisherSettings: Sendable, Hashable {
    /// Events a request: hosted Pusher takes 10, a Tickwire gateway 1000.
    public var batchMax = 10
    /// Bytes of one event's data; larger events are dropped and counted.
    public var dataBytesMax = 100 * 1024
    /// Events that may wait.
    public var queueMax = 100_000
    /// How long events are collected; ticks of one channel collapse meanwhile.
    ///
    /// Zero sends at once.
    public var interval = Duration.zero
    /// Messages a second; `nil`: no limit.
    public var messagesPerSecond: Int?
    /// Messages a day of UTC; `nil`: no limit.
    public var messagesPerDay: Int?
    /// Whether the server is asked how many subscribers got an event, and these count against the budget too.
    public var countsDeliveries = false
    /// How old a trade may become before it is dropped, when there is a budget.
    public var tradeAgeMax = Duration.seconds(30)

    /// The defaults.
    public init() {}

    /// Whether there is a budget to keep to.
    var isRationed: Bool { self.messagesPerSecond != nil || self.messagesPerDay != nil }

    /// The limits of hosted Pusher.
    public static let hostedBatchMax = 10
    /// The limits of hosted Pusher.
    public static let hostedDataBytesMax = 10_240

    /// Whether `url` is hosted Pusher, whose limits are lower than a gateway's.
    public static func isHosted(_ url: String) -> Bool {
        let rest = url.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
        let host = rest.prefix { $0 != ":" }.lowercased()
        return host == "pusher.com" || host == "pusherapp.com" || host.hasSuffix(".pusher.com")
            || host.hasSuffix(".pusherapp.com")
    }
}
