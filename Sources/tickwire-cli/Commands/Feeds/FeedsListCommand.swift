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
            A feed that needs keys is off until they are set in the environment: 'off (set NAME)' names them.

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
        var table = Table([
            ("FEED", .left), ("TITLE", .left), ("KIND", .left), ("ASSET", .left), ("SYMBOLS", .right), ("STATE", .left),
        ])
        for file in try FeedLibrary.files(in: settings.feedsDirectory) {
            switch FeedLibrary.load(file: file) {
            case .success(let feed): self.add(feed, file, isEnabled: enabled.contains(feed.name.name), to: &table)
            case .failure(let problem): self.add(problem, file, to: &table)
            }
        }
        if !self.json { for line in table.lines { Terminal.print(line) } }
    }

    private func add(_ feed: Feed, _ file: String, isEnabled: Bool, to table: inout Table) {
        let kind = if case .poll = feed.transport { "polled" } else { "websocket" }
        let missing = feed.missingVariables
        let state = missing.isEmpty ? (isEnabled ? "on" : "off") : "off (set \(missing.joined(separator: " and ")))"
        table.add([feed.name.name, feed.title, kind, feed.assetLabel, String(feed.defaultSymbols.count), state])
        guard self.json else { return }
        var members = [
            "feed": feed.name.name, "title": feed.title, "kind": kind, "asset": feed.assetLabel, "file": file,
            "state": missing.isEmpty && isEnabled ? "on" : "off",
        ]
        if !missing.isEmpty { members["needs"] = missing.joined(separator: ",") }
        Terminal.print(JSONLine(members).text)
    }

    private func add(_ problem: FeedProblem, _ file: String, to table: inout Table) {
        let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        table.add([name, "", "", "", "", "broken: " + (problem.lines.first ?? "")])
        guard self.json else { return }
        let error = problem.lines.joined(separator: "; ")
        Terminal.print(JSONLine(["feed": name, "state": "broken", "file": file, "error": error]).text)
    }
}
