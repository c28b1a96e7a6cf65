public import Market

/// How far this machine's clock is from a service's.
public enum ClockSkew {
    /// Seconds that `now` is ahead of the header `Date`, which has whole seconds; `nil` when it is none.
    public static func seconds(date: String, now: Timestamp) -> Int64? {
        RetryAfter.date(date).map { now.unixSeconds - $0.unixSeconds }
    }
}
