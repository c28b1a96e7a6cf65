public import Alerts
public import Market
public import Store

/// Pausing, resuming and snoozing as users mean it, on the command line and over HTTP.
public enum AlertChange {
    /// Why an alert cannot be resumed; `nil` when it can.
    public static func cannotResume(_ alert: Alert, now: Timestamp) -> String? {
        switch alert.standing(at: now) {
        case .done: "Alert \(alert.id) was to fire once, and has. Add a new one, or change its condition."
        case .expired: "Alert \(alert.id) has expired. Add a new one, or change its 'until'."
        case .armed, .fired, .paused, .storm, .snoozed: nil
        }
    }

    /// Ends both a pause and a snooze.
    ///
    /// - Returns: The alert as it is now.
    /// - Throws: What the store throws.
    public static func resume(_ alert: Alert, in store: AlertStore) async throws -> Alert {
        var alert = alert
        if alert.pause != nil { alert = try await store.setPause(id: alert.id, nil) }
        if alert.snoozedUntil != nil { alert = try await store.snooze(id: alert.id, until: nil) }
        return alert
    }

    /// Until when a snooze lasts.
    ///
    /// - Parameters:
    ///   - duration: `15m` and its like.
    ///   - time: A time as `until` in an expression takes it, instead of `duration`.
    ///   - now: The time it is.
    /// - Returns: An instant in the future.
    /// - Throws: ``AlertChangeError``.
    public static func snooze(for duration: String?, until time: String?, now: Timestamp) throws(AlertChangeError)
        -> Timestamp
    {
        if let duration {
            guard let length = AlertDuration.parse(duration.lowercased()) else { throw .noDuration(duration) }
            return now.advanced(byNanoseconds: length.components.seconds * 1_000_000_000)
        }
        guard let time, let until = AlertTime.parse(time) else { throw .noTime(time ?? "") }
        guard until > now else { throw .past(AlertTime.string(until)) }
        return until
    }
}

/// What a snooze cannot be.
public enum AlertChangeError: Error, Hashable, CustomStringConvertible {
    /// No duration.
    case noDuration(String)
    /// No time.
    case noTime(String)
    /// A time that was.
    case past(String)

    /// One line for the user.
    public var description: String {
        switch self {
        case .noDuration(let text): "'\(text.prefix(40))' is no duration. Write 90s, 15m, 2h or 7d, at most 365d."
        case .noTime(let text): "'\(text.prefix(40))' is no time. Write 2026-12-31 or 2026-12-31T15:00Z."
        case .past(let text): "\(text) is past. Write a time to come."
        }
    }
}
