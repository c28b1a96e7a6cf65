import ArgumentParser
import Foundation

/// `tickwire feeds status`.
struct FeedsStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how the feeds of a running service are.",
        discussion: """
            Reads /v1/feeds of 'tickwire up' or 'tickwire ingest'. Below the table stands what needs attention: why a connection waits,
            symbols that a venue refuses, a changed file that is not fit to run, frames that no rule takes.

            EXAMPLES
              tickwire feeds status
              tickwire feeds status --watch
              tickwire feeds status --json --url http://ingester.example:6002
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: "The service; default: the local one.")
    var url: String?
    @Flag(help: "Show it again every second until Ctrl-C.")
    var watch = false
    @Flag(help: "The service's answer as it is, on one line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        try await withHTTPClient { client in
            try await self.show(RunningService(url: self.url, settings, client: client))
        }
    }

    private func show(_ service: RunningService) async throws {
        var view = FeedStatusView()
        while true {
            if self.json {
                Terminal.write(try await service.feeds() + Array("\n".utf8))
            } else {
                view.show(try await service.reports(), now: Date())
            }
            guard self.watch else { return }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
