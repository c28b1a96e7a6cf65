extension FeedSession {
    static func isStable(_ connection: FeedConnection, _ moment: Moment) -> Bool {
        connection.isLive && moment.instant - connection.openedAt >= Self.stableAge
    }

    /// Asks for another connection beside this one; where there may be none, or this one is too young, it is closed first.
    mutating func renew(_ connection: FeedConnection, _ moment: Moment, reason: String) -> [Action] {
        if connection.successorDeadline != nil { return self.settle(connection, moment) }
        guard self.feed.limits.connections != 1, Self.isStable(connection, moment) else {
            return self.disconnect(connection, moment, reason: reason)
        }
        var connection = connection
        connection.successorDeadline = moment.instant + Self.overlapMax
        return [.openSuccessor] + self.settle(connection, moment)
    }

    /// Leaves the field to the successor.
    mutating func handOver(isOpen: Bool) -> [Action] {
        self.state = .stopped
        return (isOpen ? [.disconnect] : []) + [.handOver]
    }

    mutating func disconnect(_ connection: FeedConnection, _ moment: Moment, reason: String) -> [Action] {
        self.close(moment, .wait(wasStable: Self.isStable(connection, moment), reason: reason))
    }

    mutating func close(_ moment: Moment, _ next: AfterClosing) -> [Action] {
        let deadline = moment.instant + Self.closeTimeout
        self.state = .closing(deadline: deadline, next: next)
        return [.disconnect, .armTimer(at: deadline)]
    }

    /// The socket that we asked to close is gone.
    mutating func closed(_ next: AfterClosing, _ moment: Moment) -> [Action] {
        switch next {
        case .wait(let wasStable, let reason): return self.wait(moment, wasStable: wasStable, reason: reason)
        case .fail(let wasStable, let reason): return self.fail(moment, wasStable: wasStable, reason: reason)
        }
    }

    mutating func wait(
        _ moment: Moment, wasStable: Bool, reason: String, atLeast: Duration = .zero
    ) -> [Action] {
        self.attempt = wasStable ? 1 : self.attempt + 1
        if wasStable { self.refusals = 0 }
        let delay = max(atLeast, Self.delay(attempt: self.attempt, random: moment.random))
        self.state = .waiting(until: moment.instant + delay)
        return [
            .report(.waiting(attempt: self.attempt, delay: delay, reason: reason)),
            .armTimer(at: moment.instant + delay),
        ]
    }

    /// The venue refuses us: ten minutes, then twice that, up to an hour.
    mutating func fail(_ moment: Moment, wasStable: Bool, reason: String) -> [Action] {
        if wasStable { self.refusals = 0 }
        let delay = min(Duration.seconds(600) * (1 << min(self.refusals, 3)), .seconds(3600))
        self.refusals += 1
        self.capturesUntil = nil
        self.state = .failed(until: moment.instant + delay)
        return [.report(.failed(reason: reason, delay: delay)), .armTimer(at: moment.instant + delay)]
    }

    /// Doubles from 0.25…0.5 s to 15…30 s; the random half keeps clients of one venue from coming back together.
    static func delay(attempt: Int, random: UInt64) -> Duration {
        let longest = min(30_000, 500 << min(max(attempt - 1, 0), 6))
        let half = UInt64(longest / 2)
        return .milliseconds(Int64(half + random % (half + 1)))
    }
}
