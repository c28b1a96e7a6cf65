import Alerts
import Atomics
import Market

/// Counts of a shard's alerts, for who asks from another thread.
final class AlertCounts: Sendable {
    private let armed = ManagedAtomic(0)
    private let evaluations = ManagedAtomic(0)
    private let late = ManagedAtomic(0)
    private let storms = ManagedAtomic(0)
    private let suppressed = ManagedAtomic(0)
    /// Nanoseconds since 1970.
    private let evaluatedAt = ManagedAtomic<Int64>(0)
    private let isLive = ManagedAtomic(true)

    /// Takes the counts over.
    func update(_ alerts: ShardAlerts, at now: Timestamp? = nil) {
        self.armed.store(alerts.evaluator.count, ordering: .relaxed)
        self.evaluations.store(alerts.evaluationCount, ordering: .relaxed)
        self.late.store(alerts.lateCount, ordering: .relaxed)
        self.storms.store(alerts.stormCount, ordering: .relaxed)
        self.suppressed.store(Int(alerts.evaluator.suppressedCount), ordering: .relaxed)
        self.isLive.store(alerts.isLive, ordering: .relaxed)
        if let now { self.evaluatedAt.store(now.nanoseconds, ordering: .relaxed) }
    }

    /// Adds the counts to those of other shards.
    func add(to sum: inout AlertStatus) {
        sum.armed += self.armed.load(ordering: .relaxed)
        sum.evaluations += self.evaluations.load(ordering: .relaxed)
        sum.late += self.late.load(ordering: .relaxed)
        sum.storms += self.storms.load(ordering: .relaxed)
        sum.suppressed += self.suppressed.load(ordering: .relaxed)
        if !self.isLive.load(ordering: .relaxed) { sum.isLive = false }
        let time = self.evaluatedAt.load(ordering: .relaxed)
        if time > 0 {
            let evaluatedAt = Timestamp(nanoseconds: time)
            sum.evaluatedAt = min(sum.evaluatedAt ?? evaluatedAt, evaluatedAt)
        }
    }
}
