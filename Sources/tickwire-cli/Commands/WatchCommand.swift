import ArgumentParser
import Foundation
import Market
import NIOCore
import Tickwire

/// `tickwire watch`: live prices in the terminal.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Watch live prices in the terminal.",
        discussion: """
            Joins the symbols' ticker channels of a running gateway, as any Pusher client would. On a terminal it keeps one line a
            symbol; piped, it prints a line a tick.

            EXAMPLES
              tickwire watch BTC-USD AAPL
              tickwire watch BTC-USD@kraken --json
              tickwire watch ETH-USD --url ws://ticks.example:6001 --key 278d425bdf160c739803
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "Symbols, for example BTC-USD, or SYMBOL@VENUE.")
    var symbols: [String]
    @Option(help: "The gateway; default: the local one.")
    var url: String?
    @Option(help: "The app's key; default: TICKWIRE_APP_KEY, or the one in the data directory.")
    var key: String?
    @Flag(help: "One JSON object a line for every tick.")
    var json = false
    @Option(help: "Stop after so many ticks.")
    var count: Int?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is \(count): expected 1 or more.") }
        for symbol in self.symbols {
            let parts = symbol.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            guard (try? Symbol(String(parts[0]))) != nil, parts.count == 1 || (try? Venue(String(parts[1]))) != nil
            else {
                throw ValidationError("'\(symbol)' is not a symbol. Write BTC-USD, AAPL or BTC-USD@kraken.")
            }
        }
    }

    func run() async throws {
        let settings = try await self.options.load()
        guard let key = try self.key ?? AppCredentials.existing(settings)?.key else {
            throw CommandError.usage(
                "No app key found under '\(settings.dataDirectory)'. Start 'tickwire up' first, or give --key or TICKWIRE_APP_KEY."
            )
        }
        let host = settings.bind == "0.0.0.0" ? "127.0.0.1" : settings.bind
        let client = WatchClient(url: self.url ?? "ws://\(host):\(settings.port)", key: key, symbols: self.symbols)
        let view = WatchView(symbols: self.symbols, isJSON: self.json)
        var seen = 0
        for try await event in client.events() {
            switch event {
            case .tick(let channelSuffix, let text):
                view.show(channelSuffix, text)
                seen += 1
                if let count, seen >= count {
                    view.finish()
                    return
                }
            case .disconnected(let reason):
                view.note("Disconnected (\(reason)). Trying again.")
            case .refused(let message):
                throw CommandError.usage(message)
            }
        }
    }
}
