public import Market

/// In which state an alert is, in the word that lists show.
public enum AlertStanding: String, Hashable, Sendable, CaseIterable {
    /// The next time its condition is true, it fires.
    case armed
    /// It has fired and waits until the condition was false.
    case fired
    /// Its user paused it.
    case paused
    /// It fired too often and was paused.
    case storm
    /// Its user silenced it for a while.
    case snoozed
    /// Its `until` has come.
    case expired
    /// It was to fire once, and has.
    case done
}

extension Alert {
    /// The state at `now`; what ends an alert for good goes before what holds it back.
    public func standing(at now: Timestamp) -> AlertStanding {
        if self.isSpent { return .done }
        if self.isExpired(at: now) { return .expired }
        switch self.pause {
        case .user: return .paused
        case .storm: return .storm
        case nil: break
        }
        if let snoozedUntil, snoozedUntil > now { return .snoozed }
        return self.state.isArmed ? .armed : .fired
    }
}
