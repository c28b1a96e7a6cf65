import FeedLanguage
import Foundation
import FuzzDriver
import TickwireTesting

/// Fuzzes the feeds' frame scanner, compiled programs and file loader.
@main
enum FuzzerCommand {
    static func main() throws {
        FuzzDriver.run(try Self.check())
    }

    private static func check() throws -> FuzzDriver.Check {
        let feeds = try Self.feeds()
        var check = try FuzzCheck(feeds: feeds)
        return { check.run($0) }
    }

    /// The shipped feed files.
    private static func feeds() throws -> [Feed] {
        let directory = ProcessInfo.processInfo.environment["FEEDS_DIRECTORY"] ?? "Feeds"
        func text(_ name: String) -> String? { try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8) }
        return try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }.map {
            try Feed.load(yaml: text($0) ?? "", file: $0, otherFile: { text("\($0).yaml") })
        }
    }
}
