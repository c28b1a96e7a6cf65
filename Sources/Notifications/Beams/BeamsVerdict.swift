import Market

/// What Beams' answers mean.
///
/// Source: Pusher, "Beams server API reference", and docs/notifications.md.
enum BeamsVerdict {
    private struct Reply: Decodable {
        var publishId: String?
        var error: String?
        var description: String?
    }

    static func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        let response: PushResponse
        switch outcome {
        case .failed(let failure): return failure.verdict
        case .answered(let answer): response = answer
        }
        let reply = PushReply.decode(Reply.self, response)
        let words = [reply?.error, reply?.description].compactMap(\.self).joined(separator: ": ")
        let reason = PushReply.reason(response.status, words)
        switch response.status {
        case 200...299: return .delivered(id: reply?.publishId)
        case 401, 402, 403, 404: return .suspendCredential(reason: reason)
        case 413: return attempt.tooLarge(reason)
        case 408, 425: return .retry(after: nil)
        // A hundred requests a second are allowed, and no header says when the next one is.
        case 429: return .retry(after: RetryAfter.wait(response, now: attempt.now) ?? .seconds(1))
        case 500...599: return .retry(after: RetryAfter.wait(response, now: attempt.now))
        default: return .abandon(reason: reason)
        }
    }
}
