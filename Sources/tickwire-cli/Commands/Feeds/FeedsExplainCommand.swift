import ArgumentParser
import FeedLanguage
import Ingest
import Market
import Tickwire

/// `tickwire feeds explain`.
struct FeedsExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say in plain words what a feed file will do.",
        discussion: """
            Where it connects, what it sends, when it connects again, what it makes of which frames, and what it cannot know. Nothing is
            connected; values of environment variables are not shown.

            EXAMPLES
              tickwire feeds explain coinbase
              tickwire feeds explain Feeds/acme.yaml --symbols BTC-USD
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The feed's name, which is that of its file without .yaml, or a path.")
    var name: String
    @Option(help: "Symbols to explain it for; default: those in the feed file.")
    var symbols: String?

    func run() async throws {
        let settings = try await self.options.load()
        let feed = try FeedLibrary.load(file: feedFile(self.name, settings)).get()
        Terminal.print(feed.explanation(for: try feedSymbols(self.symbols)).text)
    }
}
