public import Market

/// What a push service's answer means for a delivery.
public enum PushVerdict: Hashable, Sendable {
    /// The service took it, under this id if it names one.
    case delivered(id: String?)
    /// Later, not before `after` has passed; `nil` leaves the time to the back-off.
    case retry(after: Duration?)
    /// At once, over another connection.
    case retryOnNewConnection
    /// Once more with a new token or a new access token.
    case refreshCredential
    /// Once more with the next smaller ``PushExtent``.
    case shrink
    /// Nobody is there any more: forget the target, unless it was registered again after the given time.
    case dropTarget(unlessRegisteredAfter: Timestamp?, reason: String)
    /// Once more at Apple's other environment; if that takes it, keep it as the device's.
    case tryOtherEnvironment
    /// Everything sent with this credential will fail: stop, keep the queue, tell the operator.
    case suspendCredential(reason: String)
    /// This one delivery can never work.
    case abandon(reason: String)
}

/// What a verdict depends on beside the answer.
public struct PushAttempt: Hashable, Sendable {
    /// The time of the answer.
    public var now: Timestamp
    /// How much of the content was sent.
    public var extent: PushExtent
    /// Whether the target has ever taken something.
    public var hasSucceededBefore: Bool
    /// Whether the delivery was tried at Apple's other environment already.
    public var hasTriedOtherEnvironment: Bool
    /// Whether the delivery was tried with a fresh credential already.
    public var hasRefreshedCredential: Bool
    /// The age of the token or access token it was sent with; `nil` when unknown or none is needed.
    public var credentialAge: Duration?

    /// Makes the circumstances of a first attempt; what is not given is false.
    public init(
        now: Timestamp, extent: PushExtent = .full, hasSucceededBefore: Bool = false,
        hasTriedOtherEnvironment: Bool = false, hasRefreshedCredential: Bool = false, credentialAge: Duration? = nil
    ) {
        self.now = now
        self.extent = extent
        self.hasSucceededBefore = hasSucceededBefore
        self.hasTriedOtherEnvironment = hasTriedOtherEnvironment
        self.hasRefreshedCredential = hasRefreshedCredential
        self.credentialAge = credentialAge
    }
}
