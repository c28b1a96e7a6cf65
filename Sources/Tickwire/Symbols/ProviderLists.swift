public import FeedLanguage
public import HTTPClient
public import Ingest
import Market

/// Asks providers for their lists of instruments, several at once.
public enum ProviderLists {
    /// How many providers are asked at once.
    static let concurrencyMax = 4
    /// How long one may take, tries and pages included, besides what its limits make it wait.
    private static let patience = Duration.seconds(60)
    private static let patienceMax = Duration.seconds(600)

    /// How long a feed's list may take.
    static func patience(with feed: Feed) -> Duration { min(Self.patience + Self.pace(of: feed), Self.patienceMax) }

    /// What a person who waits should know of lists that take minutes, a line for each.
    public static func notes(on feeds: [Feed]) -> [String] {
        feeds.filter { Self.pace(of: $0) >= .seconds(60) }.map { feed in
            let minutes = (Self.patience(with: feed).components.seconds + 59) / 60
            return "The limits of \(feed.name) make its list slow: this may take up to \(minutes) minutes."
        }
    }

    private static func pace(of feed: Feed) -> Duration {
        feed.streams.lazy.compactMap(\.discovery).first?.pacedDuration ?? .zero
    }

    /// The lists of several feeds' providers, in the order of the feeds.
    ///
    /// - Parameters:
    ///   - feeds: Feeds whose files have `discover`.
    ///   - urls: Where a feed's servers are instead of its file's addresses, by feed name.
    ///   - client: Sends the requests.
    /// - Returns: For each feed its provider's list, or why there is none.
    public static func fetch(
        _ feeds: [Feed], urls: [String: String], client: HTTPClient
    ) async -> [(feed: Feed, list: Result<[Listing], FeedRequestError>)] {
        let runner = DiscoveryRunner(client: client)
        var lists: [Int: Result<[Listing], FeedRequestError>] = [:]
        await withTaskGroup(of: (Int, Result<[Listing], FeedRequestError>).self) { group in
            for (index, feed) in feeds.enumerated() {
                if index >= Self.concurrencyMax, let (done, list) = await group.next() { lists[done] = list }
                let url = urls[feed.name.name].flatMap { AddressOverride($0) }
                group.addTask { (index, await Self.list(of: feed, url, runner)) }
            }
            for await (done, list) in group { lists[done] = list }
        }
        return feeds.enumerated().map { index, feed in
            (feed: feed, list: lists[index] ?? .failure(.cancelled))
        }
    }

    private static func list(
        of feed: Feed, _ url: AddressOverride?, _ runner: DiscoveryRunner
    ) async -> Result<[Listing], FeedRequestError> {
        let patience = Self.patience(with: feed)
        return await withTaskGroup(of: Result<[Listing], FeedRequestError>?.self) { group in
            group.addTask {
                do throws(FeedRequestError) {
                    return .success(try await runner.listings(of: feed, url: url))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                // Cancelled when the list is there.
                try? await Task.sleep(for: patience)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            let reason = "no list within \(patience.components.seconds) s"
            return first ?? .failure(.unavailable(venue: feed.name, reason: reason))
        }
    }
}
