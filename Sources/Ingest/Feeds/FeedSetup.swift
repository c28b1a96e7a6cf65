public import FeedLanguage
public import Market

/// What a feed goes on with: told before its connections are, for whoever judges, repairs and names its ticks.
public struct FeedSetup: Sendable {
    /// The feed, by its file's version in use.
    public let feed: Feed
    /// What is asked for.
    public let symbols: [Symbol]
    /// What of it was not asked for before.
    public let added: [Symbol]
    /// What was asked for before and is not any more.
    public let dropped: [Symbol]
    /// Where its servers are instead of its file's addresses.
    public let url: AddressOverride?
}
