extension PushTarget {
    /// What the outcome of a request to this target means.
    ///
    /// Pure: each service's table is in docs/notifications.md.
    ///
    /// - Parameters:
    ///   - outcome: The answer, or why there is none.
    ///   - attempt: The circumstances.
    /// - Returns: What to do.
    public func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        switch self {
        case .apns, .liveActivity, .apnsChannel: APNsVerdict.verdict(outcome, attempt)
        case .fcm: FCMVerdict.verdict(outcome, attempt)
        case .webPush: WebPushVerdict.verdict(outcome, attempt)
        case .beams: BeamsVerdict.verdict(outcome, attempt)
        case .webhook: ChatVerdict.webhook(outcome, attempt)
        case .ntfy: ChatVerdict.ntfy(outcome, attempt)
        case .slack: ChatVerdict.slack(outcome, attempt)
        case .discord: ChatVerdict.discord(outcome, attempt)
        case .telegram: ChatVerdict.telegram(outcome, attempt)
        }
    }
}
