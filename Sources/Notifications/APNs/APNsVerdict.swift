import Market

/// What APNs' answers mean.
///
/// Source: Apple, "Handling notification responses from APNs", and docs/notifications.md.
enum APNsVerdict {
    private struct Reply: Decodable {
        var reason: String?
        /// Milliseconds since the Unix epoch.
        var timestamp: Double?
    }

    /// A token younger than this cannot be expired by its age.
    private static let youngestExpired = Duration.seconds(20 * 60)

    static func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        switch outcome {
        case .failed(let failure): return failure.verdict
        case .answered(let response): return self.verdict(response, attempt)
        }
    }

    private static func verdict(_ response: PushResponse, _ attempt: PushAttempt) -> PushVerdict {
        if (200...299).contains(response.status) {
            return .delivered(
                id: response.header("apns-unique-id") ?? response.header("apns-id")
                    ?? response.header("apns-request-id"))
        }
        let reply = PushReply.decode(Reply.self, response)
        let name = reply?.reason ?? ""
        let reason = PushReply.reason(response.status, name)
        switch name {
        case "Unregistered", "ExpiredToken":
            return .dropTarget(unlessRegisteredAfter: reply?.timestamp.flatMap(self.time), reason: reason)
        case "BadDeviceToken":
            // A token that worked here was not issued by the other environment.
            return attempt.hasSucceededBefore || attempt.hasTriedOtherEnvironment
                ? .dropTarget(unlessRegisteredAfter: nil, reason: reason) : .tryOtherEnvironment
        case "ChannelNotRegistered":
            return .dropTarget(unlessRegisteredAfter: nil, reason: reason)
        case "DeviceTokenNotForTopic", "BadTopic", "TopicDisallowed", "MissingTopic", "TopicMismatch",
            "FeatureNotEnabled", "CannotCreateChannelConfig", "InvalidProviderToken", "MissingProviderToken",
            "Forbidden", "BadEnvironmentKeyInToken", "BadCertificate", "BadCertificateEnvironment":
            return .suspendCredential(reason: reason)
        case "ExpiredProviderToken":
            return self.expired(attempt, reason)
        case "UnrelatedKeyIdInToken", "IdleTimeout", "Shutdown":
            return .retryOnNewConnection
        case "TooManyProviderTokenUpdates":
            return .retry(after: .seconds(180))
        case "TooManyRequests":
            return .retry(after: RetryAfter.wait(response, now: attempt.now) ?? .seconds(30))
        case "PayloadTooLarge":
            return attempt.tooLarge(reason)
        case "InternalServerError", "ServiceUnavailable":
            return self.busy(response, attempt)
        default:
            return self.byStatus(response, attempt, reason)
        }
    }

    /// For reasons that are not known, and for answers of something between here and Apple.
    private static func byStatus(_ response: PushResponse, _ attempt: PushAttempt, _ reason: String) -> PushVerdict {
        switch response.status {
        case 410: .dropTarget(unlessRegisteredAfter: nil, reason: reason)
        case 413: attempt.tooLarge(reason)
        case 408, 425: .retry(after: nil)
        case 429: .retry(after: RetryAfter.wait(response, now: attempt.now) ?? .seconds(30))
        case 403: .suspendCredential(reason: reason)
        case 500...599: self.busy(response, attempt)
        default: .abandon(reason: reason)
        }
    }

    private static func busy(_ response: PushResponse, _ attempt: PushAttempt) -> PushVerdict {
        guard let wait = RetryAfter.wait(response, now: attempt.now) else { return .retry(after: nil) }
        return .retry(after: wait)
    }

    /// A token that Apple calls expired although it is young tells of a wrong clock: a new one would not help.
    private static func expired(_ attempt: PushAttempt, _ reason: String) -> PushVerdict {
        if attempt.hasRefreshedCredential {
            return .suspendCredential(reason: "\(reason) with a new token: check this machine's clock")
        }
        guard let age = attempt.credentialAge, age < self.youngestExpired else { return .refreshCredential }
        return .suspendCredential(
            reason: "\(reason) with a token of \(age.components.seconds) s: check this machine's clock")
    }

    private static func time(_ milliseconds: Double) -> Timestamp? {
        guard milliseconds.isFinite, (0...9e12).contains(milliseconds) else { return nil }
        return Timestamp(microseconds: Int64(milliseconds) * 1_000)
    }
}
