/// The life of one HTTP/2 connection: how many requests it may take now, and when it has to be replaced.
///
/// APNs allows one stream until a request was accepted and closes connections that exceed its limit, and libcurl opens a
/// hundred streams before it has read the peer's limit, so a burst on a cold connection is lost: the first request goes
/// alone. Source: Apple, "Sending notification requests to APNs"; measurements in docs/notifications.md.
struct MultiplexedConnection: Sendable {
    /// How a request ended.
    enum Ending: Hashable, Sendable {
        /// It was answered with a status of 200 to 299.
        case accepted
        /// It was answered with another status.
        case rejected
        /// Its own time was over, or its caller gave up: says nothing about the connection.
        case givenUp
        /// The connection broke, or the peer asked for a new one.
        case lost
    }

    /// What the owner of the connection does next.
    enum Action: Hashable, Sendable {
        case doNothing
        /// Waiting requests may come in.
        case useRoom
        /// Nothing is on its way and nothing will be: close it.
        case close
        /// End what is on its way, and close it.
        case abort
    }

    /// Where in its life a connection is.
    enum Phase: Hashable, Sendable {
        /// Nothing was accepted yet, or not for a long time.
        case cold
        /// The one first request is on its way.
        case warming
        /// Requests may share it.
        case hot
        /// It takes nothing new.
        case draining
        /// It is closed.
        case dead
    }

    let limits: MultiplexLimits
    private(set) var phase = Phase.cold
    private(set) var inFlight = 0
    private let openedAt: ContinuousClock.Instant
    /// When something was answered last, or when the first of the requests on their way began, whichever is later.
    private var quietSince: ContinuousClock.Instant

    init(limits: MultiplexLimits, now: ContinuousClock.Instant) {
        self.limits = limits
        self.openedAt = now
        self.quietSince = now
    }

    /// How many requests it may take at once.
    var room: Int {
        switch self.phase {
        case .cold: self.inFlight == 0 ? 1 : 0
        case .hot: max(0, self.limits.streamsMax - self.inFlight)
        case .warming, .draining, .dead: 0
        }
    }

    /// A request is sent on it; there must be ``room``.
    mutating func began(now: ContinuousClock.Instant) {
        precondition(self.room > 0, "A request on a connection that is \(self.phase) with \(self.inFlight) requests")
        if self.phase == .cold { self.phase = .warming }
        if self.inFlight == 0 { self.quietSince = now }
        self.inFlight += 1
    }

    /// A request has ended.
    mutating func ended(_ ending: Ending, now: ContinuousClock.Instant) -> Action {
        precondition(self.inFlight > 0, "The end of a request that never began")
        self.inFlight -= 1
        switch (self.phase, ending) {
        case (.dead, _): return .doNothing
        case (_, .lost): self.phase = .draining
        case (.warming, .accepted): self.phase = .hot
        case (.warming, .rejected), (.warming, .givenUp): self.phase = .cold
        case (.cold, _), (.hot, _), (.draining, _): break
        }
        if ending == .accepted || ending == .rejected { self.quietSince = now }
        switch self.phase {
        case .cold, .hot: return .useRoom
        case .draining where self.inFlight == 0:
            self.phase = .dead
            return .close
        case .warming, .draining, .dead: return .doNothing
        }
    }

    /// Time has passed.
    mutating func ticked(now: ContinuousClock.Instant) -> Action {
        if self.phase == .dead { return .doNothing }
        if self.inFlight > 0, self.quietSince.duration(to: now) >= self.limits.silenceMax {
            self.phase = .dead
            return .abort
        }
        if self.openedAt.duration(to: now) >= self.limits.ageMax { return self.drain() }
        if self.phase == .hot, self.inFlight == 0, self.quietSince.duration(to: now) >= self.limits.idleMax {
            self.phase = .cold
        }
        return .doNothing
    }

    /// It takes nothing new, and closes with its last answer.
    mutating func drain() -> Action {
        switch self.phase {
        case .dead: return .doNothing
        case .cold, .warming, .hot, .draining:
            self.phase = self.inFlight == 0 ? .dead : .draining
            return self.inFlight == 0 ? .close : .doNothing
        }
    }
}
