public import Market

/// How one lane of deliveries is, over all workers.
public struct LaneStatus: Sendable, Hashable {
    /// The credential's name, for example `apns:production:com.example.app`.
    public let lane: String
    /// Deliveries that wait, due or not.
    public let waiting: Int64
    /// When the oldest of them was put in.
    public let oldestAt: Timestamp?
    /// Deliveries that a worker has.
    public let inFlight: Int64
    /// Deliveries that services took, for as long as the database remembers.
    public let sent: Int64
    /// Attempts that had to be repeated, of the workers that run.
    public let retried: Int64
    /// Deliveries given up, and not replayed.
    public let dead: Int64
    /// Deliveries that were worthless before they could be sent.
    public let expired: Int64
    /// `closed`, `open` or `half-open`; `nil` when no worker has the lane.
    public let breaker: String?
    /// Why it is open.
    public let breakerReason: String?
    /// What went wrong last.
    public let lastError: String?
    /// When that was.
    public let lastErrorAt: Timestamp?
    /// When the lane's token was made, if it has one.
    public let tokenIssuedAt: Timestamp?
}

/// What a worker says about one of its lanes.
public struct LaneReport: Sendable, Hashable {
    /// The lane.
    public var lane: String
    /// `closed`, `open` or `half-open`.
    public var breaker: String
    /// Why it is open.
    public var breakerReason: String?
    /// Deliveries on their way.
    public var inFlight: Int64 = 0
    /// Deliveries taken since the worker started.
    public var sent: Int64 = 0
    /// Attempts to be repeated since then.
    public var retried: Int64 = 0
    /// Deliveries given up since then.
    public var dead: Int64 = 0
    /// What went wrong last.
    public var lastError: String?
    /// When that was.
    public var lastErrorAt: Timestamp?

    /// Makes a report of a lane that has done nothing.
    public init(lane: String, breaker: String = "closed") {
        self.lane = lane
        self.breaker = breaker
    }
}

/// A delivery that was given up.
public struct DeadLetter: Sendable, Hashable, Identifiable {
    /// The delivery.
    public let id: Int64
    /// Where it was to go.
    public let lane: String
    /// The device, if it was for one.
    public let deviceID: Int64?
    /// The event, as its receivers would know it.
    public let eventKey: String?
    /// How often it was tried.
    public let attempts: Int
    /// The HTTP status of the last answer.
    public let status: Int?
    /// Why it was given up.
    public let error: String
    /// The beginning of the service's last answer.
    public let answer: String?
    /// When it was given up.
    public let finishedAt: Timestamp
}
