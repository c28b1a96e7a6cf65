import Logging
import Market
import Notifications
import Store

/// Where the tokens of APNs and FCM come from.
enum TokenSources {
    /// Valid for an hour, renewed no more often than every 20 minutes: Apple's rule.
    ///
    /// All processes share one.
    private static let apnsAge = (renewed: Duration.seconds(45 * 60), youngest: Duration.seconds(20 * 60))
    /// Google's tokens are renewed so long before their end.
    private static let fcmLead = Duration.seconds(300)

    static func apns(
        _ key: APNsKey?, _ store: CredentialStore?, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) -> TokenSource {
        let isYoung: @Sendable (CredentialStore.Token) -> Bool = { token in
            let age = Duration.nanoseconds(now().nanoseconds - token.issuedAt.nanoseconds)
            // One from the future comes of a clock that was set back: Apple would refuse it.
            return age < Self.apnsAge.renewed && age > .seconds(-60)
        }
        return TokenSource(isUsable: isYoung) { rejected in
            guard let key else { throw PushSender.Refusal.suspend("there is no key for APNs: set push.apns.keyFile") }
            let make: @Sendable () async throws -> CredentialStore.Token = {
                let time = now()
                return CredentialStore.Token(try await key.token(now: time), issuedAt: time)
            }
            guard let store else { return try await make() }
            do {
                return try await store.token("apns:\(key.teamID)/\(key.keyID)") { token in
                    guard isYoung(token) else { return false }
                    let age = Duration.nanoseconds(now().nanoseconds - token.issuedAt.nanoseconds)
                    // A young one that was refused is not helped by another: the verdict says so.
                    return token.exposed != rejected || age < Self.apnsAge.youngest
                } make: {
                    try await make()
                }
            } catch let error as PushError {
                throw error
            } catch {
                if Task.isCancelled { throw error }
                logger.warning("APNs token not shared, making one of our own", metadata: ["error": "\(error)"])
                return try await make()
            }
        }
    }

    static func fcm(
        _ account: FCMServiceAccount?, _ store: CredentialStore?, transport: Transport,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) -> TokenSource {
        let isFresh: @Sendable (CredentialStore.Token) -> Bool = { token in
            let end = token.expiresAt ?? token.issuedAt
            return .nanoseconds(end.nanoseconds - now().nanoseconds) > min(Self.fcmLead, Self.life(of: token) / 2)
        }
        return TokenSource(isUsable: isFresh) { rejected in
            guard let account else {
                throw PushSender.Refusal.suspend("there is no account for FCM: set push.fcm.serviceAccountFile")
            }
            let name = "fcm:\(account.projectID)"
            do {
                if let token = try await store?.token(name), token.exposed != rejected, isFresh(token) { return token }
            } catch {
                logger.debug("Shared FCM token not readable", metadata: ["error": "\(error)"])
            }
            let token = try await Self.ask(account, transport, now: now)
            do {
                try await store?.store(token, name: name)
            } catch {
                logger.debug("FCM token not shared", metadata: ["error": "\(error)"])
            }
            return token
        }
    }

    private static func ask(
        _ account: FCMServiceAccount, _ transport: Transport, now: @Sendable () -> Timestamp
    ) async throws -> CredentialStore.Token {
        let time = now()
        switch await transport.send(try await account.tokenRequest(now: time)) {
        case .interrupted: throw CancellationError()
        case .impossible(let reason): throw PushSender.Refusal.suspend(reason)
        case .came(let outcome, let reason):
            switch FCMTokenReply(outcome, now: now()) {
            case .token(let secret, let validFor):
                let end = time.advanced(byNanoseconds: Int64(validFor / .nanoseconds(1)))
                return CredentialStore.Token(secret.exposed, issuedAt: time, expiresAt: end)
            case .retry(let after):
                throw PushSender.Refusal.retry("no access token from Google: \(reason)", after: after)
            case .refused(let why): throw PushSender.Refusal.suspend("no access token from Google: \(why)")
            }
        }
    }

    private static func life(of token: CredentialStore.Token) -> Duration {
        .nanoseconds((token.expiresAt ?? token.issuedAt).nanoseconds - token.issuedAt.nanoseconds)
    }
}
