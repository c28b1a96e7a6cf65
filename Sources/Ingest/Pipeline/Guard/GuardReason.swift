/// What the guard counts, as the label `reason` of `tickwire_guard_ticks_total`.
public enum GuardReason: String, Sendable, Hashable, CaseIterable {
    /// A tick that came before: dropped.
    case duplicate
    /// A sequence number below the highest that had not been seen.
    case reorder
    /// An event time before the newest one.
    case late
    /// An event time that cannot be: the receive time stands in for it.
    case implausibleTime = "implausible_time"
    /// Part of a snapshot, or a stale first push.
    case snapshot
    /// A price outside the guard band: held back.
    case quarantined
    /// A price that was held back and then confirmed.
    case released
    /// Asked for afterwards to fill a hole.
    case backfilled
}
