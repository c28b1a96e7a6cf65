/// Intervals that are no settings; tests shorten them.
struct JournalTiming: Sendable {
    /// How long the thread waits before it tries again what the disk refused.
    var retry: Duration = .milliseconds(250)
    /// How long after the disk's last refusal the alarm stays.
    var alarmHold: Duration = .seconds(60)
}
