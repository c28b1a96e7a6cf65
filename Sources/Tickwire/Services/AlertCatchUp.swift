import Alerts
import Ingest
import Logging
import Market
import Store

/// Brings a pipeline's alerts from where their states were stored to the present: loads them, evaluates again what the journal has
/// from then on, and goes on live (docs/decisions/0011).
struct AlertCatchUp {
    /// What it did.
    struct Outcome: Sendable {
        var alerts = 0
        var ticks = 0
        var loading = Duration.zero
        var replaying = Duration.zero
    }

    /// Ticks that are handed over at once: a shard does nothing else meanwhile.
    private static let replayedMax = 2_000

    let store: AlertStore
    let journal: Journal
    let pipeline: MarketPipeline
    let windows: AlertWindows
    let startedAt: Timestamp
    let logger: Logger

    /// Where evaluation goes on in the journal.
    ///
    /// Alerts that were never evaluated with this journal begin with what has come since it was opened.
    static func place(_ position: AlertPosition, _ journal: Journal) -> JournalPlace {
        let opened = JournalPlace(
            trades: journal.endAtOpening(of: .trades), quotes: journal.endAtOpening(of: .quotes))
        guard let known = position.place else { return opened }
        // Beyond the end at opening: stored by this process.
        let next = journal.next
        return JournalPlace(trades: min(known.trades, next.trades), quotes: min(known.quotes, next.quotes))
    }

    /// Does it; when it throws, the pipeline's alerts wait, and it can be done again.
    func run() async throws -> Outcome {
        var outcome = Outcome()
        let clock = ContinuousClock()
        let began = clock.now
        let position = try await self.store.position(in: self.journal.id)
        let start = Self.place(position, self.journal)
        let opened = JournalPlace(
            trades: self.journal.endAtOpening(of: .trades), quotes: self.journal.endAtOpening(of: .quotes))
        try await self.pipeline.beginAlerts(position.streams.map(\.stream))
        var places: [VenueSymbol: JournalPlace] = [:]
        for row in position.streams { places[VenueSymbol(row.stream.symbol, row.stream.venue)] = row.place }

        var ticks = JournaledTicks(self.journal, from: start)
        let first = try ticks.first(before: JournalPlace(trades: .max, quotes: .max))?.receivedTime
        var later: [AlertPage.Entry] = []
        try await self.store.forEachArmed(now: .now) { page in
            for (id, reason) in page.unreadable {
                self.logger.error("Alert not armed", metadata: ["alert.id": "\(id)", "error": "\(reason)"])
            }
            outcome.alerts += page.entries.count
            let isLater: (AlertPage.Entry) -> Bool = { entry in first.map { entry.changedAt > $0 } ?? false }
            later += page.entries.filter(isLater)
            try await self.pipeline.loadAlerts(page.entries.lazy.filter { !isLater($0) }.map(\.alert))
        }
        later.sort { $0.changedAt > $1.changedAt }
        try await self.windows.fill(
            try await self.pipeline.takeHistoryNeeds(), of: self.pipeline, before: first ?? .now)
        outcome.loading = clock.now - began

        // What an earlier run received, then what came since this one began; between them the feeds were not heard.
        if start.trades <= opened.trades, start.quotes <= opened.quotes {
            outcome.ticks += try await self.replay(&ticks, before: opened, places, &later)
            try await self.load(&later, until: self.startedAt)
            try await self.pipeline.noteHoles(.restart)
        }
        while true {
            // Most of it, so that little has to be kept in memory.
            outcome.ticks += try await self.replay(&ticks, before: self.journal.next, places, &later)
            let (again, end) = try await self.pipeline.beginBuffering()
            await self.journal.sync()
            let last = JournalPlace(trades: end.trades, quotes: end.quotes)
            outcome.ticks += try await self.replay(&ticks, before: last, places, &later)
            try await self.load(&later, until: nil)
            if try await self.pipeline.goLive() { break }
            self.logger.warning("Alerts catch up once more: too many ticks came meanwhile")
            ticks = JournaledTicks(
                self.journal, from: JournalPlace(trades: again.trades, quotes: again.quotes))
        }
        outcome.replaying = clock.now - began - outcome.loading
        return outcome
    }

    /// - Returns: How many ticks were evaluated.
    private func replay(
        _ ticks: inout JournaledTicks, before end: JournalPlace, _ places: [VenueSymbol: JournalPlace],
        _ later: inout [AlertPage.Entry]
    ) async throws -> Int {
        var count = 0
        while true {
            try Task.checkCancellation()
            let batch = try ticks.next(before: end, receivedBefore: later.last?.changedAt, max: Self.replayedMax)
            if ticks.takeLoss() { try await self.pipeline.noteHoles(.restart) }
            let new = batch.filter { !Self.isBefore($0, places) }
            if !new.isEmpty { try await self.pipeline.replay(new) }
            count += new.count
            guard batch.isEmpty else { continue }
            // Either the end, or an alert was added or changed before the next tick came.
            guard let next = later.last, let tick = try ticks.first(before: end), tick.receivedTime >= next.changedAt
            else { return count }
            try await self.load(&later, until: next.changedAt)
        }
    }

    /// Adds alerts that were added or changed up to a time.
    private func load(_ later: inout [AlertPage.Entry], until time: Timestamp?) async throws {
        while let entry = later.last, time.map({ entry.changedAt <= $0 }) ?? true {
            try await self.pipeline.loadAlerts([entry.alert])
            later.removeLast()
        }
    }

    /// Whether a stream's own place says that the tick was evaluated before the state was stored.
    private static func isBefore(_ tick: NumberedTick, _ places: [VenueSymbol: JournalPlace]) -> Bool {
        switch tick.tick {
        case .trade(let trade):
            places[VenueSymbol(trade.symbol, trade.venue)].map { tick.number < $0.trades } ?? false
        case .quote(let quote):
            places[VenueSymbol(quote.symbol, quote.venue)].map { tick.number < $0.quotes } ?? false
        }
    }
}
