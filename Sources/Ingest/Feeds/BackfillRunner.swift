public import FeedLanguage
public import HTTPClient
public import Market
import Synchronization

/// Fetches what feeds missed from their providers' REST history, as each feed file's `backfill` says.
public final class BackfillRunner: Sendable {
    private struct Source: Sendable {
        let feed: Feed
        let plan: BackfillPlan
        let override: AddressOverride?
        let lane: RequestLane
    }

    /// The most bytes of one answer.
    private static let bodyMax = 16 << 20

    private let client: HTTPClient
    private let sources = Mutex<[Venue: Source]>([:])

    /// Makes a runner that knows no feed.
    public init(client: HTTPClient) { self.client = client }

    /// Takes over a feed, in place of the one of the same venue; one whose file has no `backfill` cannot be repaired.
    ///
    /// - Parameters:
    ///   - feed: The feed.
    ///   - url: Where its servers are instead of its file's addresses.
    public func setFeed(_ feed: Feed, url: AddressOverride? = nil) {
        guard let plan = feed.streams.lazy.compactMap(\.backfill).first else { return self.removeFeed(feed.name) }
        self.sources.withLock { sources in
            // A reload keeps the lane, and with it what was sent, while the limits are the same.
            let known = sources[feed.name].flatMap { $0.plan.budget == plan.budget ? $0.lane : nil }
            let lane = known ?? RequestLane(venue: feed.name, budget: plan.budget, client: self.client)
            sources[feed.name] = Source(feed: feed, plan: plan, override: url, lane: lane)
        }
    }

    /// Forgets a feed.
    public func removeFeed(_ venue: Venue) { self.sources.withLock { $0[venue] = nil } }

    /// Whether holes of a venue can be repaired.
    public func canRepair(_ venue: Venue) -> Bool { self.sources.withLock { $0[venue] != nil } }

    /// The trades that a venue has made in a range, oldest first and each once; empty when there were none.
    ///
    /// Asks page after page within the provider's limits, and again after a passing failure; several ranges of one venue wait for
    /// each other. Trades are as decoded, without a flag that they came late.
    ///
    /// - Parameters:
    ///   - range: Whose trades, and which.
    ///   - venue: Who is asked.
    /// - Returns: Trades strictly between the range's bounds.
    /// - Throws: When the venue cannot be asked, or not for so far back; ``FeedRequestError/incomplete(_:venue:)`` holds what
    ///   was found of a range that is too large.
    public func trades(in range: TradeRange, of venue: Venue) async throws(FeedRequestError) -> [Trade] {
        guard let source = self.sources.withLock({ $0[venue] }) else {
            throw FeedRequestError.notDescribed(venue: venue, section: "backfill")
        }
        var session = BackfillSession(plan: source.plan, range: range)
        var step = session.start
        while true {
            switch step {
            case .finished(let trades): return trades
            case .incomplete(let trades): throw FeedRequestError.incomplete(trades, venue: venue)
            case .ask(let page):
                let (ticks, answer) = try await self.page(page, of: range, from: source)
                step = session.received(ticks.ticks, answer: answer, hint: ticks.hint)
            }
        }
    }

    private func page(
        _ page: PageMark, of range: TradeRange, from source: Source
    ) async throws(FeedRequestError) -> (value: (ticks: [Tick], hint: PageHint), answer: HTTPAnswer) {
        let exchange = source.plan.exchange(for: range, page: page, now: .now, random: .random(in: 0 ... .max))
        guard var exchange else { throw .unknownSymbol(range.symbol, venue: source.feed.name) }
        if let override = source.override { exchange.url = override.request(exchange.url) }
        let plan = source.plan
        do {
            return try await source.lane.ask(exchange, bodyMax: Self.bodyMax) { answer, body in
                var ticks: [Tick] = []
                guard !body.isEmpty else { return (ticks, PageHint()) }
                var decoder = FrameDecoder(feed: plan.feed, symbols: [range.symbol])
                answer.outcome = body.withUnsafeBytes {
                    decoder.decode($0, receivedTime: answer.receivedTime, into: &ticks)
                }
                return (ticks, plan.hint(in: body))
            }
        } catch {
            throw error.redacted(by: source.feed)
        }
    }
}

extension FeedRequestError {
    /// The error without the feed's secrets, which a provider may echo.
    func redacted(by feed: Feed) -> FeedRequestError {
        switch self {
        case .refused(let venue, let reason): .refused(venue: venue, reason: feed.redacted(reason))
        case .denied(let venue, let reason): .denied(venue: venue, reason: feed.redacted(reason))
        case .busy(let venue, let reason, let wait): .busy(venue: venue, reason: feed.redacted(reason), wait: wait)
        case .unavailable(let venue, let reason): .unavailable(venue: venue, reason: feed.redacted(reason))
        case .notDescribed, .unknownSymbol, .incomplete, .unreadable, .cancelled: self
        }
    }
}
