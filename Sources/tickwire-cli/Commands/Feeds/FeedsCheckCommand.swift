import ArgumentParser
import FeedLanguage
import Foundation
import Ingest
import Market
import Tickwire

/// `tickwire feeds check`.
struct FeedsCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Load feed files and run the tests inside them.",
        discussion: """
            Without a file it checks all files of the feeds folder. With --recording the file also runs over recorded frames, and every frame's outcome is counted.

            Ends with 65 when a file is not fit to run, and 66 when one cannot be read. What a file lacks although it may run is a warning.

            EXAMPLES
              tickwire feeds check
              tickwire feeds check Feeds/acme.yaml
              tickwire feeds check Feeds/coinbase.yaml --recording COINBASE.rec
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The feed files; default: all of the feeds folder.")
    var files: [String] = []
    @Option(help: ArgumentHelp("Count what becomes of a recording's frames.", valueName: "file"))
    var recording: String?
    @Flag(help: "One JSON object for each file.")
    var json = false

    func validate() throws {
        if self.recording != nil, self.files.isEmpty {
            throw ValidationError("--recording needs the feed file that it is to be read with.")
        }
    }

    func run() async throws {
        var hasProblem = false
        let files =
            self.files.isEmpty
            ? try FeedLibrary.files(in: await self.options.load().feedsDirectory) : self.files
        for file in files {
            let text = try readFile(file)
            switch FeedLibrary.load(yaml: text, file: file) {
            case .success(let feed):
                let outcomes = try self.recording.map { try self.count(feed, recording: $0) }
                for warning in feed.warnings { Terminal.note("\(file): warning: \(warning)") }
                self.report(feed, file, outcomes)
            case .failure(let problem):
                hasProblem = true
                for line in problem.lines { Terminal.note(line) }
                if self.json {
                    Terminal.print(#"{"file":\#(JSONLine.string(file)),"errors":\#(Self.list(problem.lines))}"#)
                }
            }
        }
        if hasProblem { throw ExitCode(65) }
    }

    /// What became of a recording's received frames, and the first ones that no rule takes.
    private struct RecordingReport {
        var frames = 0
        var ticks = 0
        var outcomes: [(name: String, count: Int)] = FrameTally.names.map { ($0, 0) }
        var samples: [String] = []
    }

    private func count(_ feed: Feed, recording: String) throws -> RecordingReport {
        try checkReadable(recording)
        var report = RecordingReport()
        let symbols = feed.defaultSymbols
        let stream = try RecordingDecoder.stream(of: feed, recordedIn: recording, symbols: symbols)
        var decoder = RecordingDecoder(feed: stream, symbols: symbols)
        var reader = try RecordingReader(path: recording)
        var ticks: [Tick] = []
        while let line = try reader.next() {
            ticks.removeAll(keepingCapacity: true)
            guard let outcome = decoder.decode(line, into: &ticks) else { continue }
            report.frames += 1
            report.ticks += ticks.count
            let name = FrameTally.name(of: outcome)
            if let index = report.outcomes.firstIndex(where: { $0.name == name }) { report.outcomes[index].count += 1 }
            if name == "unmatched" || name == "malformed", report.samples.count < 5 {
                report.samples.append(
                    "line \(line.number), \(name): \(String(decoding: line.payload.prefix(200), as: UTF8.self))")
            }
        }
        return report
    }

    /// A JSON list of texts.
    private static func list(_ texts: [String]) -> String {
        "[" + texts.map(JSONLine.string).joined(separator: ",") + "]"
    }

    private func report(_ feed: Feed, _ file: String, _ recording: RecordingReport?) {
        if self.json {
            var text = #"{"file":\#(JSONLine.string(file)),"feed":"\#(feed.name)","tests":\#(feed.testCount)"#
            text += #","warnings":\#(Self.list(feed.warnings))"#
            if let recording {
                let outcomes = recording.outcomes.map { "\"\($0.name)\":\($0.count)" }.joined(separator: ",")
                text +=
                    #","recording":{"frames":\#(recording.frames),"ticks":\#(recording.ticks),"outcomes":{\#(outcomes)}}"#
            }
            Terminal.print(text + "}")
            return
        }
        Terminal.print("\(file): ok, \(feed.testCount) test\(feed.testCount == 1 ? "" : "s") passed")
        guard let recording else { return }
        Terminal.print("\(recording.frames) frames gave \(recording.ticks) ticks")
        for outcome in recording.outcomes where outcome.count > 0 {
            Terminal.print("  \(outcome.name): \(outcome.count)")
        }
        for sample in recording.samples { Terminal.print("  " + sample) }
    }
}
