import Market

/// What the answers of chat services, ntfy servers and webhooks mean.
///
/// A target of these is its own credential, so that a refused credential concerns that target alone. Sources: each service's
/// documentation, named at its function, and docs/notifications.md.
enum ChatVerdict {
    /// Standard Webhooks 1.0, "Webhook consumers": any 2xx is success, 410 ends it, everything else is tried again.
    static func webhook(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        self.judge(outcome, attempt) { response, reason in
            switch response.status {
            case 410: .dropTarget(unlessRegisteredAfter: nil, reason: reason)
            case 413: attempt.tooLarge(reason)
            default: .retry(after: RetryAfter.wait(response, now: attempt.now))
            }
        }
    }

    private struct NtfyReply: Decodable {
        var id: String?
        var code: Int?
        var error: String?
    }

    /// ntfy documentation, "Limitations" and the error codes of its server.
    static func ntfy(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        self.judge(
            outcome, attempt, id: { PushReply.decode(NtfyReply.self, $0)?.id },
            words: { PushReply.decode(NtfyReply.self, $0)?.error }
        ) { response, reason in
            switch response.status {
            case 401, 403: .suspendCredential(reason: reason)
            case 413: attempt.tooLarge(reason)
            // The bucket of a visitor refills by one in five seconds.
            case 429: .retry(after: RetryAfter.wait(response, now: attempt.now) ?? .seconds(60))
            default: nil
            }
        }
    }

    /// Slack, "Sending messages using incoming webhooks", section "Handling errors": the body is one word.
    static func slack(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        self.judge(outcome, attempt, words: { PushReply.text($0) }) { response, reason in
            switch response.status {
            case 404, 410: .dropTarget(unlessRegisteredAfter: nil, reason: reason)
            case 403: .suspendCredential(reason: reason)
            case 413: attempt.tooLarge(reason)
            case 429: .retry(after: RetryAfter.wait(response, now: attempt.now) ?? .seconds(1))
            default: nil
            }
        }
    }

    private struct DiscordReply: Decodable {
        var id: String?
        var code: Int?
        var message: String?
        /// Seconds, with a fraction.
        var retry_after: Double?
    }

    /// Discord, "Rate limits" and "JSON error codes": 10015 is an unknown webhook, 50027 a wrong webhook token.
    static func discord(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        self.judge(
            outcome, attempt, id: { PushReply.decode(DiscordReply.self, $0)?.id },
            words: { PushReply.decode(DiscordReply.self, $0)?.message }
        ) { response, reason in
            let reply = PushReply.decode(DiscordReply.self, response)
            switch response.status {
            case 404 where reply?.code == ChatEdit.discordUnknownMessage: return .abandon(reason: reason)
            case 401, 404: return .dropTarget(unlessRegisteredAfter: nil, reason: reason)
            case 403: return .suspendCredential(reason: reason)
            case 413: return attempt.tooLarge(reason)
            case 429:
                let wait = reply?.retry_after.flatMap { RetryAfter.seconds($0) }
                return .retry(after: wait ?? RetryAfter.wait(response, now: attempt.now) ?? .seconds(2))
            default: return nil
            }
        }
    }

    struct TelegramReply: Decodable {
        struct Parameters: Decodable {
            var retry_after: Double?
            var migrate_to_chat_id: Int64?
        }
        struct Message: Decodable { var message_id: Int64? }

        var description: String?
        var parameters: Parameters?
        var result: Message?
    }

    /// Telegram Bot API, "Making requests" and `ResponseParameters`.
    ///
    /// It has no error codes beside the status: three of its descriptions are the only sign of what they mean.
    static func telegram(_ outcome: PushOutcome, _ attempt: PushAttempt) -> PushVerdict {
        self.judge(
            outcome, attempt,
            id: { PushReply.decode(TelegramReply.self, $0)?.result?.message_id.map { String($0) } },
            words: { PushReply.decode(TelegramReply.self, $0)?.description }
        ) { response, reason in
            let reply = PushReply.decode(TelegramReply.self, response)
            let words = reply?.description?.lowercased() ?? ""
            switch response.status {
            case 400:
                if let chat = reply?.parameters?.migrate_to_chat_id {
                    return .dropTarget(unlessRegisteredAfter: nil, reason: "\(reason): the chat is now \(chat)")
                }
                // The edit says what the message says already.
                if words.contains("message is not modified") { return .delivered(id: nil) }
                if words.contains("chat not found") { return .dropTarget(unlessRegisteredAfter: nil, reason: reason) }
                if words.contains("message is too long") { return attempt.tooLarge(reason) }
                return .abandon(reason: reason)
            // Blocked by the user, thrown out of the group, the account is gone.
            case 403: return .dropTarget(unlessRegisteredAfter: nil, reason: reason)
            // The token is part of the path.
            case 401, 404: return .suspendCredential(reason: reason)
            case 413: return attempt.tooLarge(reason)
            case 429:
                let wait = reply?.parameters?.retry_after.flatMap { RetryAfter.seconds($0) }
                return .retry(after: wait ?? RetryAfter.wait(response, now: attempt.now) ?? .seconds(5))
            default: return nil
            }
        }
    }

    /// What all have in common, around what `special` says about an answer that is no success.
    private static func judge(
        _ outcome: PushOutcome, _ attempt: PushAttempt, id: (PushResponse) -> String? = { _ in nil },
        words: (PushResponse) -> String? = { _ in nil }, special: (PushResponse, String) -> PushVerdict?
    ) -> PushVerdict {
        let response: PushResponse
        switch outcome {
        case .failed(let failure): return failure.verdict
        case .answered(let answer): response = answer
        }
        if (200...299).contains(response.status) { return .delivered(id: id(response)) }
        let reason = PushReply.reason(response.status, words(response))
        if let verdict = special(response, reason) { return verdict }
        switch response.status {
        case 408, 425: return .retry(after: nil)
        case 429, 500...599: return .retry(after: RetryAfter.wait(response, now: attempt.now))
        default: return .abandon(reason: reason)
        }
    }
}

/// Whether a message that should be edited is still there.
public enum ChatEdit {
    /// Discord's error code "Unknown Message".
    static let discordUnknownMessage = 10_008

    /// Whether `response` to an edit says that the message is gone: then it is posted anew.
    public static func isMessageGone(_ target: PushTarget, _ response: PushResponse) -> Bool {
        switch target {
        case .discord:
            struct Reply: Decodable { var code: Int? }
            return response.status == 404
                && PushReply.decode(Reply.self, response)?.code == self.discordUnknownMessage
        case .telegram:
            let words = PushReply.decode(ChatVerdict.TelegramReply.self, response)?.description?.lowercased() ?? ""
            return response.status == 400
                && (words.contains("message to edit not found") || words.contains("message can't be edited"))
        case .apns, .liveActivity, .apnsChannel, .fcm, .webPush, .beams, .webhook, .ntfy, .slack:
            return false
        }
    }
}
