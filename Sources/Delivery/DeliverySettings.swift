/// How deliveries are sent.
public struct DeliverySettings: Hashable, Sendable {
    /// How many are on their way at once.
    public var concurrencyMax: Int
    /// The limit for one attempt.
    public var timeout: Duration
    /// How long a claimed delivery is kept from other workers: longer than ``timeout``.
    public var lease: Duration
    /// How often the queue is looked at without being told.
    public var pollInterval: Duration
    /// How long deliveries on their way may take when the service stops.
    public var stopTimeout: Duration
    /// Whether webhooks may go to private addresses.
    ///
    /// Off, because their URLs come from users.
    public var allowsPrivateAddresses: Bool
    /// When to try again.
    public var retries: RetryPolicy

    /// Makes settings.
    public init(
        concurrencyMax: Int = 32, timeout: Duration = .seconds(30), lease: Duration = .seconds(60),
        pollInterval: Duration = .seconds(1), stopTimeout: Duration = .seconds(2), allowsPrivateAddresses: Bool = false,
        retries: RetryPolicy = RetryPolicy()
    ) {
        self.concurrencyMax = max(1, concurrencyMax)
        self.timeout = timeout
        self.lease = max(lease, timeout + .seconds(10))
        self.pollInterval = pollInterval
        self.stopTimeout = stopTimeout
        self.allowsPrivateAddresses = allowsPrivateAddresses
        self.retries = retries
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

    /// Makes counters of zero.
    public init() {}
}
