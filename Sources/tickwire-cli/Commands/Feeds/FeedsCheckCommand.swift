import ArgumentParser
import FeedLanguage
import Foundation
import Ingest
import Market

/// `tickwire feeds check`.
struct FeedsCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Load feed files and run the tests inside them.",
        discussion: """
            With --recording the file also runs over recorded frames, and every frame's outcome is counted.

            EXAMPLES
              tickwire feeds check Feeds/*.yaml
              tickwire feeds check Feeds/coinbase.yaml --recording COINBASE.rec
            """
    )

    @Argument(help: "The feed files.")
    var files: [String]
    @Option(help: ArgumentHelp("Count what becomes of a recording's frames.", valueName: "file"))
    var recording: String?
    @Flag(help: "One JSON object for each file.")
    var json = false

    func run() async throws {
        var hasProblem = false
        for file in self.files {
            let text = try readFile(file)
            switch FeedLibrary.load(yaml: text, file: file) {
            case .success(let feed):
                let outcomes = try self.recording.map { try self.count(feed, recording: $0) }
                self.report(feed, file, outcomes)
            case .failure(let problem):
                hasProblem = true
                for line in problem.lines { Terminal.note(line) }
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
        var report = RecordingReport()
        var decoder = FrameDecoder(feed: feed, symbols: feed.defaultSymbols)
        var ticks: [Tick] = []
        try Recording.forEachLine(in: [UInt8](readData(recording))) { line in
            guard line.kind == .received else { return }
            ticks.removeAll(keepingCapacity: true)
            let outcome = line.payload.withUnsafeBytes { decoder.decode($0, receivedTime: line.time, into: &ticks) }
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

    private func report(_ feed: Feed, _ file: String, _ recording: RecordingReport?) {
        if self.json {
            var text = #"{"file":\#(JSONLine.string(file)),"feed":"\#(feed.name)","tests":\#(feed.testCount)"#
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
