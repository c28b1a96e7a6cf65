/// The events of webhooks by their names on the wire.
public enum WebhookEventKind: String, Sendable, Hashable, CaseIterable {
    /// A channel's first subscriber came.
    case channelOccupied = "channel_occupied"
    /// A channel's last subscriber went.
    case channelVacated = "channel_vacated"
    /// A user's first connection joined a presence channel.
    case memberAdded = "member_added"
    /// A user's last connection left a presence channel.
    case memberRemoved = "member_removed"
    /// A client event was accepted.
    case clientEvent = "client_event"
    /// Somebody subscribed to a cache channel that holds nothing.
    case cacheMiss = "cache_miss"
    /// A channel's number of subscribers changed.
    case subscriptionCount = "subscription_count"
}

extension ChannelActivity {
    /// The kind of event that tells of it.
    public var webhookKind: WebhookEventKind {
        switch self {
        case .occupied: .channelOccupied
        case .vacated: .channelVacated
        case .memberAdded: .memberAdded
        case .memberRemoved: .memberRemoved
        case .clientEvent: .clientEvent
        case .cacheMiss: .cacheMiss
        case .subscriptionCount: .subscriptionCount
        }
    }
}
