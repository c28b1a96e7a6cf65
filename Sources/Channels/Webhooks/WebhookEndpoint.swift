/// A server that is told what happens on an app's channels, and what of it (protocol section 10).
public struct WebhookEndpoint: Sendable, Hashable {
    /// Where events are posted: an absolute http or https URL.
    public var url: String
    /// The kinds of events it wants.
    ///
    /// Default: all.
    public var kinds: Set<WebhookEventKind>
    /// What a channel's name must begin with.
    ///
    /// Default: nothing.
    public var channelPrefix: String
    /// Whether several events may come in one request.
    ///
    /// Default `false`: exactly one event a request.
    public var isBatched: Bool

    /// An endpoint that wants everything unless told otherwise.
    public init(
        url: String,
        kinds: Set<WebhookEventKind> = Set(WebhookEventKind.allCases),
        channelPrefix: String = "",
        isBatched: Bool = false
    ) {
        self.url = url
        self.kinds = kinds
        self.channelPrefix = channelPrefix
        self.isBatched = isBatched
    }

    /// Whether it wants to hear of `activity`.
    public func wants(_ activity: ChannelActivity) -> Bool {
        self.kinds.contains(activity.webhookKind)
            && (self.channelPrefix.isEmpty || activity.channel.hasPrefix(self.channelPrefix))
    }
}
