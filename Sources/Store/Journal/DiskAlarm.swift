/// Decides when the journal's alarm is raised and when it ends.
///
/// There are two reasons: the bound is near, and the disk refuses writes.
struct DiskAlarm {
    /// What is worth a line in the log.
    enum Change: Equatable {
        case nearlyFull, roomAgain, refused, acceptedAgain
    }

    private let bytesMax: Int64
    private let hold: Duration
    private var isNearlyFull = false
    private var isRefused = false
    private var refusedAt: ContinuousClock.Instant?

    init(bytesMax: Int64, hold: Duration) {
        self.bytesMax = bytesMax
        self.hold = hold
    }

    var isRaised: Bool { self.isNearlyFull || self.isRefused }
    /// When time alone changes something.
    var nextUpdate: ContinuousClock.Instant? { self.refusedAt.map { $0.advanced(by: self.hold) } }

    /// The disk refused a write or a sync.
    mutating func refused(now: ContinuousClock.Instant) { self.refusedAt = now }

    /// Looks at how full the journal is.
    mutating func update(bytes: Int64, now: ContinuousClock.Instant) -> [Change] {
        var changes: [Change] = []
        if !self.isNearlyFull, bytes >= self.bytesMax / 5 * 4 {
            self.isNearlyFull = true
            changes.append(.nearlyFull)
        } else if self.isNearlyFull, bytes < self.bytesMax / 5 * 3 {
            self.isNearlyFull = false
            changes.append(.roomAgain)
        }
        if let nextUpdate = self.nextUpdate {
            if now >= nextUpdate { self.refusedAt = nil }
        }
        if self.isRefused != (self.refusedAt != nil) {
            self.isRefused.toggle()
            changes.append(self.isRefused ? .refused : .acceptedAgain)
        }
        return changes
    }
}
