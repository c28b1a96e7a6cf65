public import Market

/// When a short-lived credential is used, renewed or kept, for one key: APNs tokens, OAuth tokens, VAPID tokens.
///
/// One asker at a time is told to renew; the others go on with what there is. Time is an argument.
public struct CredentialCache: Sendable {
    /// How long credentials live and how often new ones may be made.
    public struct Policy: Hashable, Sendable {
        /// Age at which a credential is renewed, unless it says itself how long it lives.
        public var renewalAge: Duration
        /// How far before the end of its life it is renewed, if it says how long it lives.
        public var lead: Duration
        /// How much earlier or later, by chance, so that several processes do not renew together.
        public var jitter: Duration
        /// What lies between two renewals at least.
        public var spacing: Duration
        /// Age after which it is no longer used at all, unless it says itself how long it lives.
        public var lifetime: Duration
        /// How long a renewal may take before another asker is told to try.
        public var patience: Duration

        /// Apple's provider token: at most an hour old, renewed at most every 20 minutes.
        ///
        /// Source: Apple, "Establishing a token-based connection to APNs".
        public static let apns = Policy(
            renewalAge: .seconds(45 * 60), lead: .zero, jitter: .seconds(120), spacing: .seconds(20 * 60),
            lifetime: .seconds(59 * 60), patience: .seconds(10))
        /// Google's access token: renewed five minutes before it ends.
        public static let oauth = Policy(
            renewalAge: .seconds(55 * 60), lead: .seconds(300), jitter: .seconds(30), spacing: .seconds(30),
            lifetime: .seconds(60 * 60), patience: .seconds(30))
        /// A VAPID token of 12 hours for one push service: renewed after 11.
        public static let vapid = Policy(
            renewalAge: .seconds(11 * 3_600), lead: .seconds(3_600), jitter: .seconds(300), spacing: .seconds(60),
            lifetime: .seconds(12 * 3_600), patience: .seconds(10))
    }

    /// What an asker does.
    public enum Action: Hashable, Sendable {
        /// Use this one.
        case use(String)
        /// Make a new one and report with ``CredentialCache/renewed(_:issuedAt:validFor:jitter:)`` or
        /// ``CredentialCache/renewalFailed(now:retryAfter:)``; meanwhile `current` may be used, if there is one.
        case renew(current: String?)
        /// There is none and none may be made before this time: wait.
        case wait(until: Timestamp)
    }

    private struct Held: Sendable {
        var text: String
        var issuedAt: Timestamp
        var renewAt: Timestamp
        var endsAt: Timestamp
    }

    private enum State: Sendable {
        case empty(notBefore: Timestamp?)
        case renewing(Held?, since: Timestamp)
        case holding(Held, notBefore: Timestamp)
    }

    private let policy: Policy
    private var state = State.empty(notBefore: nil)

    /// Makes an empty cache.
    public init(policy: Policy) { self.policy = policy }

    /// Somebody needs the credential.
    public mutating func needed(now: Timestamp) -> Action {
        switch self.state {
        case .empty(let notBefore):
            if let notBefore, now < notBefore { return .wait(until: notBefore) }
            self.state = .renewing(nil, since: now)
            return .renew(current: nil)
        case .renewing(let held, let since):
            let isStuck = now >= since.advanced(by: self.policy.patience)
            if isStuck {
                self.state = .renewing(held, since: now)
                return .renew(current: held.flatMap { now < $0.endsAt ? $0.text : nil })
            }
            guard let held, now < held.endsAt else { return .wait(until: since.advanced(by: self.policy.patience)) }
            return .use(held.text)
        case .holding(let held, let notBefore):
            let isAlive = now < held.endsAt
            if now < held.renewAt || now < notBefore {
                return isAlive ? .use(held.text) : .wait(until: notBefore)
            }
            self.state = .renewing(held, since: now)
            return .renew(current: isAlive ? held.text : nil)
        }
    }

    /// A new credential was made here, or taken over from another process.
    ///
    /// - Parameters:
    ///   - text: The credential.
    ///   - issuedAt: When it was made.
    ///   - validFor: How long it lives, if it says so.
    ///   - jitter: A random number, -1…1.
    public mutating func renewed(_ text: String, issuedAt: Timestamp, validFor: Duration? = nil, jitter: Double) {
        if case .holding(let held, _) = self.state, held.issuedAt > issuedAt { return }
        let policy = self.policy
        let shift = policy.jitter * min(max(jitter.isFinite ? jitter : 0, -1), 1)
        let age = validFor.map { max($0 - policy.lead, $0 / 2) } ?? policy.renewalAge
        let held = Held(
            text: text, issuedAt: issuedAt, renewAt: issuedAt.advanced(by: max(age + shift, .zero)),
            endsAt: issuedAt.advanced(by: validFor ?? policy.lifetime))
        self.state = .holding(held, notBefore: issuedAt.advanced(by: policy.spacing))
    }

    /// No new credential could be had.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - retryAfter: What the issuer asked for; `nil` is 30 seconds.
    public mutating func renewalFailed(now: Timestamp, retryAfter: Duration? = nil) {
        let notBefore = now.advanced(by: retryAfter ?? .seconds(30))
        switch self.state {
        case .renewing(.some(let held), _), .holding(let held, _): self.state = .holding(held, notBefore: notBefore)
        case .renewing(nil, _), .empty: self.state = .empty(notBefore: notBefore)
        }
    }

    /// The service refused `text` as expired.
    ///
    /// - Returns: Whether it will be renewed: not when a newer one is there already, or when it is too young for that, which
    ///   points to a clock that is wrong.
    @discardableResult
    public mutating func rejected(_ text: String, now: Timestamp) -> Bool {
        guard case .holding(var held, let notBefore) = self.state, held.text == text, now >= notBefore else {
            return false
        }
        held.renewAt = now
        held.endsAt = min(held.endsAt, now)
        self.state = .holding(held, notBefore: notBefore)
        return true
    }

    /// The service says that credentials were renewed too often: the present one stays for another spacing.
    public mutating func renewedTooOften(now: Timestamp) {
        guard case .holding(let held, _) = self.state else { return }
        self.state = .holding(held, notBefore: now.advanced(by: self.policy.spacing))
    }

    /// The age of the present credential.
    public func age(now: Timestamp) -> Duration? {
        switch self.state {
        case .empty, .renewing(nil, _): nil
        case .renewing(.some(let held), _), .holding(let held, _):
            .nanoseconds(max(0, now.nanoseconds - held.issuedAt.nanoseconds))
        }
    }
}

extension Timestamp {
    /// The instant `duration` later.
    func advanced(by duration: Duration) -> Timestamp {
        let parts = duration.components
        return self.advanced(byNanoseconds: parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000)
    }

    /// Whole seconds since the Unix epoch, rounded down.
    var unixSeconds: Int64 { AlertDetails.seconds(self) }
}
