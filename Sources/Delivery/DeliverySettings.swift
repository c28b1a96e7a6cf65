public import Store

/// How deliveries are sent.
public struct DeliverySettings: Hashable, Sendable {
    /// The limit for one request.
    public var timeout: Duration
    /// How long a claimed delivery is kept from other workers: at least four requests long.
    public var lease: Duration
    /// How often the queue is looked at without being told.
    public var pollInterval: Duration
    /// How long deliveries on their way may take when the service stops.
    public var stopTimeout: Duration
    /// How often the state of the lanes is written down.
    public var reportInterval: Duration
    /// Lanes at once; the deliveries of further ones wait until others have nothing to do.
    public var lanesMax: Int
    /// How long a lane without deliveries is kept.
    public var laneIdleMax: Duration
    /// When to try again, instead of each service's own rule.
    public var retries: RetryPolicy?
    /// How long finished deliveries are kept.
    public var keeping: Outbox.Keeping
    /// How often those that were kept long enough are deleted.
    public var cleaningInterval: Duration

    /// Makes settings.
    public init(
        timeout: Duration = .seconds(12), lease: Duration = .seconds(60), pollInterval: Duration = .seconds(1),
        stopTimeout: Duration = .seconds(2), reportInterval: Duration = .seconds(2), lanesMax: Int = 1_024,
        laneIdleMax: Duration = .seconds(60), retries: RetryPolicy? = nil,
        keeping: Outbox.Keeping = Outbox.Keeping(), cleaningInterval: Duration = .seconds(60)
    ) {
        self.timeout = timeout
        self.lease = max(lease, timeout * 4)
        self.pollInterval = pollInterval
        self.stopTimeout = stopTimeout
        self.reportInterval = reportInterval
        self.lanesMax = max(1, lanesMax)
        self.laneIdleMax = laneIdleMax
        self.retries = retries
        self.keeping = keeping
        self.cleaningInterval = cleaningInterval
    }
}

/// What the worker has done since it started, for metrics.
public struct DeliveryCounters: Hashable, Sendable {
    /// Accepted by their receivers.
    public var completed: Int64 = 0
    /// Attempts that will be repeated.
    public var retried: Int64 = 0
    /// Given up.
    public var abandoned: Int64 = 0
    /// On their way now.
    public var inFlight: Int64 = 0
    /// Finished ones that were deleted.
    public var deleted: Int64 = 0

    /// Makes counters of zero.
    public init() {}
}
