import ArgumentParser
import FeedLanguage
import Foundation
import HTTPClient
import Ingest
import Logging
import Market
import NIOPosix
import Tickwire

/// `tickwire feeds record`.
struct FeedsRecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Record what a provider sends: for tests, replays and new rules.",
        discussion: """
            Connects exactly as the service does and writes every frame that comes or goes, one a line. Keys from the environment are
            written as ***. A feed that needs several connections gives several files: acme.rec, acme-2.rec. Ctrl-C ends it cleanly.

            EXAMPLES
              tickwire feeds record coinbase --for 60s --output coinbase.rec
              tickwire feeds record kraken --symbols BTC-USD,ETH-USD --for 5m
              tickwire feeds check Feeds/coinbase.yaml --recording coinbase.rec
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The feed's name, which is that of its file without .yaml, or a path.")
    var name: String
    @Option(name: .customLong("for"), help: ArgumentHelp("How long, for example 60s or 5m.", valueName: "time"))
    var duration = DurationArgument(seconds: 60)
    @Option(help: ArgumentHelp("The recording; default: NAME.rec.", valueName: "file"))
    var output: String?
    @Option(help: "Symbols to subscribe to; default: those in the feed file.")
    var symbols: String?
    @Option(help: ArgumentHelp("Connect to another URL.", valueName: "name=url"))
    var feedURL: [String] = []

    func run() async throws {
        var flags = self.options.flags()
        flags.feedURLs = self.feedURL
        let settings = try await SettingsLoader.load(flags: flags)
        let file = try feedFile(self.name, settings)
        let feed = try FeedLibrary.load(file: file).get()
        guard feed.missingVariables.isEmpty else {
            let names = feed.missingVariables.joined(separator: " and ")
            throw SetupError.badSetting(
                name: "feeds", value: feed.name.name, expected: "its keys in the environment: set \(names)")
        }
        let symbols = try feedSymbols(self.symbols) ?? feed.defaultSymbols
        let writer = RecordingWriter(path: self.output ?? "\(feed.name).rec", feed: feed)
        try writer.checkPath()
        let recording = FeedRecording(
            feed: feed, symbols: symbols, url: settings.feedURLs[feed.name.name], writer: writer,
            logger: self.options.quietLogger(settings)
        )
        try await recording.run(nanoseconds: self.duration.nanoseconds)
    }
}

/// One run of `feeds record`.
private struct FeedRecording {
    let feed: Feed
    let symbols: [Symbol]
    let url: String?
    let writer: RecordingWriter
    let logger: Logger

    func run(nanoseconds: Int64) async throws {
        let client = HTTPClient(version: TickwireVersion.current)
        let writer = self.writer
        let supervisor = try FeedSupervisor(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, httpClient: client, logger: self.logger,
            tap: { writer.saw($0, $1, at: $2) }, sink: { _ in }
        )
        Terminal.note("Recording \(self.feed.title) for \(nanoseconds / 1_000_000_000) s; Ctrl-C ends it.")
        await supervisor.add(self.feed, symbols: self.symbols, url: self.url)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await supervisor.run() }
                group.addTask { await StopSignal.wait() }
                group.addTask { try? await Task.sleep(for: .nanoseconds(nanoseconds)) }
                group.addTask { try await self.write(supervisor) }
                // Whichever ends first ends the recording: the time, the signal, or a disk that is full.
                try await group.next()
                group.cancelAll()
                for try await _ in group {}
            }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
        try writer.flush()
        try self.report(supervisor)
    }

    /// Writes out what comes, and tells the person every few seconds how it goes.
    private func write(_ supervisor: FeedSupervisor) async throws {
        var rounds = 0
        while !Task.isCancelled {
            // Cancellation is seen by the loop.
            try? await Task.sleep(for: .milliseconds(200))
            try self.writer.flush()
            rounds += 1
            guard rounds % 25 == 0, !Task.isCancelled else { continue }
            let counts = self.writer.counts
            guard let report = supervisor.monitors.first?.status else { continue }
            Terminal.note("  \(report.state), \(counts.received + counts.answered) frames, \(report.ticks) ticks")
        }
    }

    private func report(_ supervisor: FeedSupervisor) throws {
        let counts = self.writer.counts
        let report = supervisor.monitors.first?.status
        for symbol in report?.symbols ?? [] where symbol.state == "refused" {
            Terminal.note("  \(symbol.symbol) refused: \(symbol.reason ?? "")")
        }
        guard counts.received + counts.answered > 0 else {
            let reason = report?.connections.compactMap(\.reason).first.map { " (\($0))" } ?? ""
            throw CommandError.unavailable(
                "\(self.feed.title) sent nothing\(reason). Check the network, the symbols and the feed file.")
        }
        if counts.lost > 0 { Terminal.note("  \(counts.lost) lines lost: the disk was too slow") }
        Terminal.note(
            "\(counts.received) frames received, \(counts.sent) sent, \(counts.answered) requests answered, \(report?.ticks ?? 0) ticks"
        )
        for file in self.writer.files { Terminal.print(file) }
    }
}
