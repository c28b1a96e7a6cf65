import Foundation
import Ingest
import Market

extension FeedService {
    /// What may wait for the database while a recording is played.
    private static let backlogMax = 20_000

    /// Plays the chosen recordings and returns when all of them have ended.
    func playRecordings() async throws {
        let selected = self.feeds.filter { $0.recording != nil }
        let (ended, input) = AsyncStream.makeStream(of: ReplaySummary.self)
        for selected in selected {
            guard let file = selected.recording else { continue }
            let feed = try RecordingDecoder.stream(of: selected.feed, recordedIn: file, symbols: selected.symbols)
            let replay = FeedReplay(
                file: file, speed: self.settings.replaySpeed, symbols: selected.symbols,
                wanted: self.settings.symbols.map { _ in Set(selected.symbols) },
                firesAlerts: self.settings.replayFiresAlerts, settle: { await self.settle() },
                finished: { input.yield($0) }
            )
            await self.supervisor.add(replay, of: feed)
        }
        var missing = selected.count
        let start = ContinuousClock.now
        for await summary in ended {
            self.announce(Self.text(summary, took: ContinuousClock.now - start))
            missing -= 1
            if missing == 0 { return }
        }
    }

    /// Waits until the pipeline and the recorder have caught up.
    private func settle() async {
        // The loops end after the feeds: there is always one to answer.
        try? await self.pipeline.flush()
        while self.backlog() > Self.backlogMax, !Task.isCancelled {
            // Ends early only when the task is cancelled, which the loop sees.
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func text(_ summary: ReplaySummary, took: Duration) -> String {
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        var text =
            "Replay of \(summary.feed): \(summary.frames) frames gave \(summary.trades) trades and \(summary.quotes) quotes in "
            + String(format: "%.1f s", seconds)
        if let recorded = summary.recorded { text += ", recorded \(recorded.lowerBound) to \(recorded.upperBound)" }
        if let problem = summary.problem { text += "; ended early: \(problem)" }
        return text + "."
    }
}
