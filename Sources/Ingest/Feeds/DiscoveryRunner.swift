public import FeedLanguage
public import HTTPClient
import Market

/// Fetches providers' lists of instruments, as each feed file's `discover` says, and keeps each for as long as it is good.
public actor DiscoveryRunner {
    private struct Known {
        /// The feed it was read by: a changed file reads anew.
        let feed: Feed
        let listings: [Listing]
        let until: ContinuousClock.Instant
    }

    /// The most bytes of one answer: Binance's list has more than ten million.
    private static let bodyMax = 64 << 20
    /// The most lists that are kept; beyond, the oldest is forgotten.
    private static let knownMax = 64

    private let client: HTTPClient
    private let clock = ContinuousClock()
    private var known: [Venue: Known] = [:]
    private var lanes: [Venue: RequestLane] = [:]

    /// Makes a runner that knows no list.
    public init(client: HTTPClient) { self.client = client }

    /// The instruments that a feed's provider lists, in its order.
    ///
    /// From memory while the list is good, a day unless the file says otherwise. Pages beyond the file's `max` are left out.
    ///
    /// - Parameters:
    ///   - feed: A feed whose file has `discover`.
    ///   - url: Where its servers are instead of its file's addresses.
    /// - Returns: The instruments.
    /// - Throws: ``FeedRequestError``.
    public func listings(
        of feed: Feed, url: AddressOverride? = nil
    ) async throws(FeedRequestError) -> [Listing] {
        if let known = self.known[feed.name], known.feed === feed, self.clock.now < known.until {
            return known.listings
        }
        guard let plan = feed.streams.lazy.compactMap(\.discovery).first else {
            throw .notDescribed(venue: feed.name, section: "discover")
        }
        let lane = self.lanes[feed.name] ?? RequestLane(venue: feed.name, budget: plan.budget, client: self.client)
        self.lanes[feed.name] = lane
        var listings: [Listing] = []
        var next: PageMark? = PageMark()
        while let page = next {
            var exchange = plan.exchange(page: page, now: .now, random: .random(in: 0 ... .max))
            if let url { exchange.url = url.request(exchange.url) }
            let (body, answer): ([UInt8], HTTPAnswer)
            do {
                (body, answer) = try await lane.ask(exchange, bodyMax: Self.bodyMax) { _, body in body }
            } catch {
                throw error.redacted(by: feed)
            }
            guard let found = plan.listings(in: body) else { throw .unreadable(venue: feed.name) }
            listings += found
            next = plan.page(after: page, answer: answer, body: body, listings: found)
        }
        self.keep(listings, of: feed, for: plan.lifetime)
        return listings
    }

    private func keep(_ listings: [Listing], of feed: Feed, for lifetime: Duration) {
        if self.known.count >= Self.knownMax, let oldest = self.known.min(by: { $0.value.until < $1.value.until }) {
            self.known[oldest.key] = nil
            self.lanes[oldest.key] = nil
        }
        self.known[feed.name] = Known(
            feed: feed, listings: listings, until: self.clock.now + lifetime)
    }
}
