import Market

/// What push services' answers mean.
///
/// Source: RFC 8030, sections 5 and 7.3, RFC 8292, section 4.2, and docs/notifications.md.
enum WebPushVerdict {
    /// How Apple, Mozilla and Google say that a subscription was made with another VAPID key; they have no common code for it.
    private static let otherKeySigns = [
        "VapidPkHashMismatch", "VAPID public key mismatch", "credentials used to create the subscription",
    ]

    static func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        let response: PushResponse
        switch outcome {
        case .failed(let failure): return failure.verdict
        case .answered(let answer): response = answer
        }
        let reason = PushReply.reason(response.status, PushReply.text(response))
        // That browser alone has to subscribe again. It is not forgotten, because a key set by mistake would empty the table.
        if [400, 401, 403].contains(response.status), self.otherKeySigns.contains(where: { reason.contains($0) }) {
            return .abandon(reason: "\(reason): the browser has to subscribe again with the present VAPID key")
        }
        switch response.status {
        case 200...299: return .delivered(id: response.header("location"))
        case 401, 403:
            // A token may have ended on the way; one that is new is refused for its key or subject.
            return attempt.hasRefreshedCredential ? .suspendCredential(reason: reason) : .refreshCredential
        case 404, 410: return .dropTarget(unlessRegisteredAfter: nil, reason: reason)
        case 413: return attempt.tooLarge(reason)
        case 408, 425: return .retry(after: nil)
        case 429: return .retry(after: RetryAfter.wait(response, now: attempt.now) ?? .seconds(60))
        case 500...599: return .retry(after: RetryAfter.wait(response, now: attempt.now))
        default: return .abandon(reason: reason)
        }
    }
}
