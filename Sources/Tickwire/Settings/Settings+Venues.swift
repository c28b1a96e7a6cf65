public import Market

extension Settings {
    /// Venues in the order of the enabled feeds, best first: a feed's venue bears its name.
    public var preferredVenues: [Venue] {
        // A feed's name that is no venue's has no prices.
        (self.feeds ?? Settings.defaultFeeds).compactMap { try? Venue($0) }
    }
}
