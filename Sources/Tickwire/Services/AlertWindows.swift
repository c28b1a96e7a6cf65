import Alerts
import Ingest
import Logging
import Market
import Store

/// Fills the windows of alerts with what happened before the evaluator saw it.
struct AlertWindows: Sendable {
    /// Streams that are read at the same time.
    private static let readersMax = 4
    /// How long ticks of an earlier run are waited for that are on their way from the journal to the database.
    private static let patience = Duration.seconds(10)

    let loader: AlertHistoryLoader
    /// Waits until what was received before is in the database, candles included.
    let recorded: @Sendable () async throws -> Void
    let logger: Logger

    /// Reads what windows of the pipeline's alerts lack, up to `end`.
    ///
    /// - Throws: What reading throws.
    func fill(_ needs: [AlertHistoryNeed], of pipeline: MarketPipeline, before end: Timestamp) async throws {
        guard !needs.isEmpty else { return }
        let recorded = self.recorded
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await recorded() }
            group.addTask { try await Task.sleep(for: Self.patience) }
            try await group.next()
            group.cancelAll()
        }
        let loader = self.loader
        try await withThrowingTaskGroup(of: AlertHistory.self) { group in
            var rest = needs[...]
            for need in rest.prefix(Self.readersMax) { group.addTask { try await loader.load(need, before: end) } }
            rest = rest.dropFirst(Self.readersMax)
            while let history = try await group.next() {
                if let need = rest.popFirst() { group.addTask { try await loader.load(need, before: end) } }
                try await pipeline.seedAlerts([history])
            }
        }
        self.logger.debug("Windows of alerts filled", metadata: ["alerts.streams": "\(needs.count)"])
    }
}
