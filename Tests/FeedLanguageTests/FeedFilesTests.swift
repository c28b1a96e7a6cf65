import FeedLanguage
import Foundation
import Market
import Testing

/// The folders of the repository, found from this file.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The feed file of that name, loaded.
    static func feed(_ name: String) throws -> Feed {
        let file = "Feeds/\(name).yaml"
        let yaml = try String(contentsOf: self.root.appendingPathComponent(file), encoding: .utf8)
        return try Feed.load(yaml: yaml, file: file)
    }
}

@Suite("The feed files that ship")
struct FeedFilesTests {
    @Test(
        "Each loads, and its own tests hold",
        arguments: ["coinbase", "kraken", "binance", "binance-us", "bitstamp", "coingecko", "sim"])
    func ownTests(name: String) throws {
        let feed = try Repository.feed(name)
        #expect(feed.runTests() == [])
        #expect(feed.testCount > 0)
    }
}
