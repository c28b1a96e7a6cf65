public import Market

/// One claimed delivery: what to send where, and how often it was tried.
public struct PendingDelivery: Hashable, Sendable, Identifiable {
    /// The queue's id.
    public let id: Int64
    /// The receiver's id of the message, the same on every attempt.
    public let messageID: String
    /// Which sender it is for: `webhook`.
    public let service: String
    /// Where it goes: a URL.
    public let target: String
    /// The body, byte by byte as it is signed and sent.
    public let payload: [UInt8]
    /// The number of this attempt, from 1.
    public let attempt: Int
    /// When it was put into the queue; its expiry counts from here.
    public let createdAt: Timestamp

    /// Makes a delivery from its parts.
    public init(
        id: Int64, messageID: String, service: String, target: String, payload: [UInt8], attempt: Int,
        createdAt: Timestamp
    ) {
        self.id = id
        self.messageID = messageID
        self.service = service
        self.target = target
        self.payload = payload
        self.attempt = attempt
        self.createdAt = createdAt
    }
}

/// Where deliveries wait: the outbox in PostgreSQL, or an array in a test.
public protocol DeliveryQueue: Sendable {
    /// Takes up to `limit` deliveries that are due, so that nobody else does for the time of `lease`.
    func claim(limit: Int, lease: Duration) async throws -> [PendingDelivery]
    /// The receiver accepted it.
    func complete(_ delivery: PendingDelivery, status: Int) async throws
    /// It is due again at `time`.
    func retry(_ delivery: PendingDelivery, at time: Timestamp, status: Int?, error: String) async throws
    /// It is given up; with `disablesTarget` the alert stops using this target.
    func abandon(_ delivery: PendingDelivery, status: Int?, error: String, disablesTarget: Bool) async throws
    /// It was interrupted before an answer came: it is due at once. The attempt counts, because it may have arrived.
    func release(_ delivery: PendingDelivery) async throws
    /// Calls `wake` whenever there may be something new, until the task is cancelled.
    func listen(_ wake: @escaping @Sendable () -> Void) async throws
}
