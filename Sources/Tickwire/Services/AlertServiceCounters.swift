import Market

/// What an alert service has done.
struct AlertServiceCounters: Sendable {
    /// Alerts that were loaded at the start.
    var alertsLoaded = 0
    /// How long that took.
    var loading = Duration.zero
    /// Ticks that were evaluated again at the start.
    var ticksReplayed = 0
    /// Alerts that were added, changed or removed since.
    var changes = 0
    /// Firings that were stored.
    var stored = 0
    /// When something was last stored: once a second while ticks come; `nil` before the first time.
    var storedAt: Timestamp?
}
