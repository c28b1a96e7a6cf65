import ArgumentParser
import FeedLanguage
import Foundation
import Ingest
import Market

/// `tickwire feeds replay`.
struct FeedsReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Print the ticks that a feed file gives for a recording.",
        discussion: """
            EXAMPLES
              tickwire feeds replay Feeds/coinbase.yaml --recording COINBASE.rec
              tickwire feeds replay Feeds/binance.yaml --recording BINANCE.rec --format ndjson
            """
    )

    @Argument(help: "The feed file.")
    var file: String
    @Option(help: ArgumentHelp("Recorded frames, one a line: UNIXTIME: PAYLOAD.", valueName: "file"))
    var recording: String
    @Option(help: "table, csv, json or ndjson.")
    var format: HistoryCommand.Format = .table

    func run() async throws {
        let feed = try FeedLibrary.load(yaml: readFile(self.file), file: self.file).get()
        var decoder = FrameDecoder(feed: feed, symbols: feed.defaultSymbols)
        let printer = TickPrinter(format: self.format)
        var ticks: [Tick] = []
        try Recording.forEachLine(in: [UInt8](readData(self.recording))) { line in
            guard line.kind == .received else { return }
            ticks.removeAll(keepingCapacity: true)
            _ = line.payload.withUnsafeBytes { decoder.decode($0, receivedTime: line.time, into: &ticks) }
            for tick in ticks { printer.print(tick, venueSymbol: feed.nativeSymbol(for: tick.symbol)) }
        }
        printer.finish()
    }
}
