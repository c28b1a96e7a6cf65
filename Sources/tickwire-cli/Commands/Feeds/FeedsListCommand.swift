import ArgumentParser
import FeedLanguage
import Foundation
import Ingest
import Market
import Tickwire

/// `tickwire feeds list`.
struct FeedsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the feed files and whether they are fit to run.",
        discussion: """
            EXAMPLES
              tickwire feeds list
              tickwire feeds list --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let enabled = settings.feeds ?? Settings.defaultFeeds
        var table = Table([("FEED", .left), ("TITLE", .left), ("KIND", .left), ("SYMBOLS", .right), ("STATE", .left)])
        for file in try FeedLibrary.files(in: settings.feedsDirectory) {
            switch FeedLibrary.load(file: file) {
            case .success(let feed):
                let kind = if case .poll = feed.transport { "polled" } else { "websocket" }
                let state = enabled.contains(feed.name.name) ? "on" : "off"
                if self.json {
                    Terminal.print(
                        JSONLine([
                            "feed": feed.name.name, "title": feed.title, "kind": kind, "state": state, "file": file,
                        ])
                        .text
                    )
                }
                table.add([feed.name.name, feed.title, kind, String(feed.defaultSymbols.count), state])
            case .failure(let problem):
                let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
                if self.json {
                    Terminal.print(
                        JSONLine([
                            "feed": name, "state": "broken", "file": file,
                            "error": problem.lines.joined(separator: "; "),
                        ])
                        .text
                    )
                }
                table.add([name, "", "", "", "broken: " + (problem.lines.first ?? "")])
            }
        }
        if !self.json { for line in table.lines { Terminal.print(line) } }
    }
}
