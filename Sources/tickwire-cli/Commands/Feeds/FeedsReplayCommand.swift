import ArgumentParser
import FeedLanguage
import Foundation
import Ingest
import Market
import Tickwire

/// `tickwire feeds replay`.
struct FeedsReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Print the ticks that a feed file gives for a recording.",
        discussion: """
            Event and receive times are those of the recording, at any speed. With --through the ticks go through a whole service instead,
            as with 'tickwire ingest --replay': they are recorded in PostgreSQL and fire no alerts.

            EXAMPLES
              tickwire feeds replay Feeds/coinbase.yaml --recording COINBASE.rec
              tickwire feeds replay Feeds/binance.yaml --recording BINANCE.rec --format ndjson
              tickwire feeds replay Feeds/kraken.yaml --recording KRAKEN.rec --speed 10
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The feed file.")
    var file: String
    @Option(help: ArgumentHelp("Recorded frames, one a line: UNIXTIME: PAYLOAD.", valueName: "file"))
    var recording: String
    @Option(help: "max, or how many times as fast as it was recorded: 1, 10, 1000.")
    var speed = "max"
    @Option(help: "The symbols that were subscribed, where the file's own list is not the one.")
    var symbols: String?
    @Option(help: "table, csv, json or ndjson.")
    var format: HistoryCommand.Format = .table
    @Flag(help: "Send the ticks through a whole service: PostgreSQL and channels.")
    var through = false

    func run() async throws {
        guard let speed = ReplaySpeed(self.speed) else {
            throw CommandError.usage(
                "--speed is '\(self.speed)': expected max, or how many times as fast: 1, 10, 1000.")
        }
        let feed = try FeedLibrary.load(yaml: readFile(self.file), file: self.file).get()
        try checkReadable(self.recording)
        if self.through { return try await self.sendThrough(feed) }
        try await self.print(feed, speed)
    }

    private func print(_ feed: Feed, _ speed: ReplaySpeed) async throws {
        let symbols = try feedSymbols(self.symbols) ?? feed.defaultSymbols
        let stream = try RecordingDecoder.stream(of: feed, recordedIn: self.recording, symbols: symbols)
        var decoder = RecordingDecoder(feed: stream, symbols: symbols)
        var reader = try RecordingReader(path: self.recording)
        let printer = TickPrinter(format: self.format)
        var pace = ReplayPace(speed)
        var ticks: [Tick] = []
        while let line = try reader.next() {
            ticks.removeAll(keepingCapacity: true)
            _ = decoder.decode(line, into: &ticks)
            if ticks.isEmpty { continue }
            if let due = pace.instant(of: line.time) {
                printer.flush()
                try await Task.sleep(until: due, clock: .continuous)
            }
            for tick in ticks { printer.print(tick, venueSymbol: stream.nativeSymbol(for: tick.symbol)) }
        }
        printer.finish()
    }

    private func sendThrough(_ feed: Feed) async throws {
        var flags = self.options.flags()
        let url = URL(fileURLWithPath: self.file)
        flags.values["feedsDir"] = url.deletingLastPathComponent().path
        flags.values["symbols"] = self.symbols
        flags.values["port"] = "0"
        flags.replays = ["\(url.deletingPathExtension().lastPathComponent)=\(self.recording)"]
        flags.replaySpeed = self.speed
        try await runService(.ingest, flags)
    }
}
