import Market

/// What FCM's answers mean: decided by codes and the types of details, never by message text.
///
/// Source: Firebase, "Error codes for the FCM v1 API", and docs/notifications.md.
enum FCMVerdict {
    private struct Reply: Decodable {
        var name: String?
        var error: Failure?

        struct Failure: Decodable {
            var status: String?
            var details: [Detail]?
        }

        struct Detail: Decodable {
            var type: String?
            var errorCode: String?
            var reason: String?
            var retryDelay: String?
            var fieldViolations: [Violation]?

            enum CodingKeys: String, CodingKey {
                case type = "@type"
                case errorCode, reason, retryDelay, fieldViolations
            }
        }

        struct Violation: Decodable { var field: String? }
    }

    /// FCM asks for no less than ten seconds before the first repetition.
    private static let shortestWait = Duration.seconds(10)

    static func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        switch outcome {
        case .failed(let failure): return failure.verdict
        case .answered(let response):
            let reply = PushReply.decode(Reply.self, response)
            if (200...299).contains(response.status) { return .delivered(id: reply?.name) }
            return self.verdict(response, reply?.error, attempt)
        }
    }

    private static func verdict(
        _ response: PushResponse, _ failure: Reply.Failure?, _ attempt: PushAttempt
    ) -> PushVerdict {
        let details = failure?.details ?? []
        let code = details.first { self.isType($0, "google.firebase.fcm.v1.FcmError") }?.errorCode
        let violations = details.flatMap { $0.fieldViolations ?? [] }
        let reason = PushReply.reason(response.status, code ?? failure?.status)
        switch code {
        case "UNREGISTERED", "SENDER_ID_MISMATCH":
            return .dropTarget(unlessRegisteredAfter: nil, reason: reason)
        case "THIRD_PARTY_AUTH_ERROR":
            return self.apple(details, attempt, reason)
        case "QUOTA_EXCEEDED":
            return .retry(after: self.wait(response, details, attempt) ?? .seconds(60))
        case "UNAVAILABLE", "INTERNAL":
            return self.busy(response, details, attempt)
        default: break
        }
        switch response.status {
        case 400:
            return self.badRequest(code, violations, details, attempt, reason)
        case 401:
            return attempt.hasRefreshedCredential ? .suspendCredential(reason: reason) : .refreshCredential
        case 403: return .suspendCredential(reason: reason)
        case 413: return attempt.tooLarge(reason)
        case 408, 425: return .retry(after: nil)
        case 429: return .retry(after: self.wait(response, details, attempt) ?? .seconds(60))
        case 500...599: return self.busy(response, details, attempt)
        default: return .abandon(reason: reason)
        }
    }

    /// Two kinds of 400 have the same code and status: only the details tell a bad token from a bad message.
    private static func badRequest(
        _ code: String?, _ violations: [Reply.Violation], _ details: [Reply.Detail], _ attempt: PushAttempt,
        _ reason: String
    ) -> PushVerdict {
        guard violations.isEmpty else {
            let fields = violations.compactMap(\.field)
            if !fields.isEmpty, fields.allSatisfy({ $0 == "message.token" || $0 == "message.fid" }) {
                return .dropTarget(unlessRegisteredAfter: nil, reason: reason)
            }
            return .abandon(reason: "\(reason): \(PushText.line(fields.joined(separator: ", "), 120))")
        }
        if let apple = self.appleReason(details) {
            if apple == "PayloadTooLarge" { return attempt.tooLarge("\(reason) \(apple)") }
            if apple != "BadDeviceToken", apple != "Unregistered" { return .abandon(reason: "\(reason) \(apple)") }
        }
        return code == "INVALID_ARGUMENT"
            ? .dropTarget(unlessRegisteredAfter: nil, reason: reason) : .abandon(reason: reason)
    }

    /// Firebase's own credential at Apple or at a browser's push service is missing or wrong.
    private static func apple(
        _ details: [Reply.Detail], _ attempt: PushAttempt, _ reason: String
    ) -> PushVerdict {
        let word = self.appleReason(details).map { " (APNs \(PushText.line($0, 60)))" } ?? ""
        return .suspendCredential(reason: "\(reason)\(word): check the APNs key in the Firebase project")
    }

    private static func appleReason(_ details: [Reply.Detail]) -> String? {
        details.first { self.isType($0, "google.firebase.fcm.v1.ApnsError") }?.reason
    }

    private static func busy(
        _ response: PushResponse, _ details: [Reply.Detail], _ attempt: PushAttempt
    ) -> PushVerdict {
        .retry(after: max(self.wait(response, details, attempt) ?? .zero, self.shortestWait))
    }

    /// The header, or what a `RetryInfo` says: `"30s"`.
    private static func wait(
        _ response: PushResponse, _ details: [Reply.Detail], _ attempt: PushAttempt
    ) -> Duration? {
        if let wait = RetryAfter.wait(response, now: attempt.now) { return wait }
        guard let text = details.compactMap(\.retryDelay).first, text.hasSuffix("s") else { return nil }
        return Double(text.dropLast()).flatMap { RetryAfter.seconds($0) }
    }

    private static func isType(_ detail: Reply.Detail, _ name: String) -> Bool {
        detail.type == "type.googleapis.com/\(name)"
    }
}
