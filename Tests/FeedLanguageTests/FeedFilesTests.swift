import FeedLanguage
import Foundation
import Market
import Testing

/// The folders of the repository, found from this file.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The names of all feed files.
    static var feedNames: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: self.root.appendingPathComponent("Feeds").path)
                .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
        }
    }

    /// The feed file of that name, loaded.
    static func feed(_ name: String) throws -> Feed {
        let file = "Feeds/\(name).yaml"
        return try Feed.load(yaml: self.text(file), file: file, otherFile: { try? self.text("Feeds/\($0).yaml") })
    }

    private static func text(_ file: String) throws -> String {
        try String(contentsOf: self.root.appendingPathComponent(file), encoding: .utf8)
    }
}

@Suite("The feed files that ship")
struct FeedFilesTests {
    @Test(
        "Each loads, its own tests hold, and there is nothing to warn of",
        arguments: try Repository.feedNames)
    func ownTests(name: String) throws {
        let feed = try Repository.feed(name)
        #expect(feed.runTests() == [])
        #expect(feed.testCount > 0)
        #expect(feed.warnings == [])
    }
}
