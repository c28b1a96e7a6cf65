public import Market
public import Notifications

/// How a request is made.
public struct SendingOptions: Hashable, Sendable {
    /// How much of the content goes into it.
    public var extent = PushExtent.full
    /// Whether it goes to the other one of Apple's services.
    public var isAtOtherEnvironment = false
    /// Whether it takes a new token or access token.
    public var needsFreshCredential = false
    /// Whether it takes a new connection.
    public var needsNewConnection = false
    /// Whether a new credential was taken for this delivery before.
    public var hasRefreshedCredential = false

    /// All of the content, as usual.
    public init() {}
}

/// The requests that one claimed delivery may take, one after the other, until it is decided.
///
/// Each remedy is tried once, a new connection twice; what does not help then ends the attempt.
public struct DeliveryAttempt: Sendable {
    /// What to do next.
    public enum Step: Hashable, Sendable {
        /// Send it this way.
        case send(SendingOptions)
        /// Nothing more: this is what came of it.
        case finish(Ending)
    }

    /// What came of it.
    public enum Ending: Hashable, Sendable {
        /// Its service took it, under this id if it named one; the device belongs to the other environment or not.
        case delivered(id: String?, isAtOtherEnvironment: Bool)
        /// Later.
        case retry(after: Duration?)
        /// The target is gone, unless it was registered after the given time.
        case drop(unlessRegisteredAfter: Timestamp?, reason: String)
        /// The credential is refused.
        case suspend(reason: String)
        /// It can never work.
        case abandon(reason: String)
    }

    private static let newConnectionsMax = 2
    /// How the next request is made.
    public private(set) var options = SendingOptions()
    private var newConnections = 0

    /// Begins with all of the content.
    public init() {}

    /// The service answered, or did not.
    ///
    /// - Parameters:
    ///   - verdict: What that means.
    ///   - isOverdue: Whether the attempt has taken so long that another process may soon take the delivery over.
    /// - Returns: What to do next.
    public mutating func received(_ verdict: PushVerdict, isOverdue: Bool = false) -> Step {
        self.options.needsFreshCredential = false
        self.options.needsNewConnection = false
        switch verdict {
        case .delivered(let id):
            return .finish(.delivered(id: id, isAtOtherEnvironment: self.options.isAtOtherEnvironment))
        case .retry(let after): return .finish(.retry(after: after))
        case .dropTarget(let time, let reason): return .finish(.drop(unlessRegisteredAfter: time, reason: reason))
        case .suspendCredential(let reason): return .finish(.suspend(reason: reason))
        case .abandon(let reason): return .finish(.abandon(reason: reason))
        case .retryOnNewConnection, .refreshCredential, .shrink, .tryOtherEnvironment: break
        }
        if isOverdue { return .finish(.retry(after: nil)) }
        switch verdict {
        case .retryOnNewConnection:
            guard self.newConnections < Self.newConnectionsMax else { return .finish(.retry(after: nil)) }
            self.newConnections += 1
            self.options.needsNewConnection = true
        case .refreshCredential:
            guard !self.options.hasRefreshedCredential else {
                return .finish(.suspend(reason: "the service refuses the credential, also a new one"))
            }
            self.options.hasRefreshedCredential = true
            self.options.needsFreshCredential = true
        case .shrink:
            guard let next = self.options.extent.next else {
                return .finish(.abandon(reason: "it is too large, even in its shortest form"))
            }
            self.options.extent = next
        case .tryOtherEnvironment:
            guard !self.options.isAtOtherEnvironment else {
                return .finish(.drop(unlessRegisteredAfter: nil, reason: "neither of Apple's services knows the token"))
            }
            self.options.isAtOtherEnvironment = true
        case .delivered, .retry, .dropTarget, .suspendCredential, .abandon: break
        }
        return .send(self.options)
    }
}
