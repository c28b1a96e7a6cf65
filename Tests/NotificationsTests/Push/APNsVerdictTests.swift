import Market
import Testing

@testable import Notifications

@Suite("APNs answers")
struct APNsVerdictTests {
    private static let target = PushTarget.apns(Samples.device)

    private func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt = PushAttempt(now: Samples.now)) -> PushVerdict
    {
        Self.target.verdict(outcome, attempt)
    }

    private func refused(_ status: Int, _ reason: String) -> PushOutcome {
        Samples.answer(status, #"{"reason":"\#(reason)"}"#)
    }

    @Test("200 is delivered, under Apple's id")
    func accepted() {
        #expect(self.verdict(Samples.answer(200, "", [NotificationHeader("apns-id", "x")])) == .delivered(id: "x"))
    }

    @Test(
        "410 drops the device unless it was registered after Apple's timestamp",
        arguments: ["Unregistered", "ExpiredToken"])
    func gone(reason: String) {
        let outcome = Samples.answer(410, #"{"reason":"\#(reason)","timestamp":1795435200123}"#)
        let time = Timestamp(microseconds: 1_795_435_200_123_000)
        #expect(self.verdict(outcome) == .dropTarget(unlessRegisteredAfter: time, reason: "HTTP 410 \(reason)"))
    }

    @Test(
        "A timestamp that is none does not matter",
        arguments: [
            #"{"reason":"Unregistered","timestamp":-5}"#, #"{"reason":"Unregistered","timestamp":1e300}"#, "", "[]",
        ])
    func oddTimestamp(body: String) {
        guard case .dropTarget(nil, _) = self.verdict(Samples.answer(410, body)) else {
            Issue.record("\(self.verdict(Samples.answer(410, body)))")
            return
        }
    }

    @Test("A bad token is tried at the other environment once, unless it has worked here")
    func badToken() {
        let outcome = self.refused(400, "BadDeviceToken")
        let dropped = PushVerdict.dropTarget(unlessRegisteredAfter: nil, reason: "HTTP 400 BadDeviceToken")
        #expect(self.verdict(outcome) == .tryOtherEnvironment)
        #expect(self.verdict(outcome, PushAttempt(now: Samples.now, hasTriedOtherEnvironment: true)) == dropped)
        #expect(self.verdict(outcome, PushAttempt(now: Samples.now, hasSucceededBefore: true)) == dropped)
    }

    @Test(
        "What concerns every device of the app suspends the credential",
        arguments: [
            (400, "DeviceTokenNotForTopic"), (400, "BadTopic"), (400, "TopicDisallowed"), (400, "MissingTopic"),
            (400, "TopicMismatch"), (403, "InvalidProviderToken"), (403, "MissingProviderToken"), (403, "Forbidden"),
            (403, "BadEnvironmentKeyInToken"), (403, "FeatureNotEnabled"), (400, "CannotCreateChannelConfig"),
            (403, "SomethingNew"),
        ])
    func suspended(status: Int, reason: String) {
        #expect(self.verdict(self.refused(status, reason)) == .suspendCredential(reason: "HTTP \(status) \(reason)"))
    }

    @Test(
        "Our own mistakes end the delivery",
        arguments: [
            (400, "BadCollapseId"), (400, "BadExpirationDate"), (400, "BadMessageId"), (400, "BadPriority"),
            (400, "InvalidPushType"), (400, "PayloadEmpty"), (400, "DuplicateHeaders"), (400, "BadChannelId"),
            (400, "MissingChannelId"), (404, "BadPath"), (405, "MethodNotAllowed"),
        ])
    func abandoned(status: Int, reason: String) {
        #expect(self.verdict(self.refused(status, reason)) == .abandon(reason: "HTTP \(status) \(reason)"))
    }

    @Test("A payload that is too large goes down the ladder to its end")
    func tooLarge() {
        let outcome = self.refused(413, "PayloadTooLarge")
        for extent in PushExtent.allCases.dropLast() {
            #expect(self.verdict(outcome, PushAttempt(now: Samples.now, extent: extent)) == .shrink)
        }
        let end = self.verdict(outcome, PushAttempt(now: Samples.now, extent: .minimal))
        #expect(end == .abandon(reason: "HTTP 413 PayloadTooLarge"))
    }

    @Test("An expired provider token is renewed once if it is old, and a young one tells of a wrong clock")
    func expired() {
        let outcome = self.refused(403, "ExpiredProviderToken")
        let old = PushAttempt(now: Samples.now, credentialAge: .seconds(1_200))
        #expect(self.verdict(outcome, old) == .refreshCredential)
        for attempt in [
            PushAttempt(now: Samples.now, credentialAge: .seconds(1_199)),
            PushAttempt(now: Samples.now, hasRefreshedCredential: true, credentialAge: .seconds(3_000)),
        ] {
            guard case .suspendCredential(let reason) = self.verdict(outcome, attempt) else {
                Issue.record("not suspended")
                continue
            }
            #expect(reason.contains("clock"))
        }
    }

    @Test("A key change needs another connection")
    func keyChange() {
        #expect(self.verdict(self.refused(403, "UnrelatedKeyIdInToken")) == .retryOnNewConnection)
    }

    @Test("Too much of something waits")
    func tooMany() {
        #expect(self.verdict(self.refused(429, "TooManyRequests")) == .retry(after: .seconds(30)))
        #expect(self.verdict(self.refused(429, "TooManyProviderTokenUpdates")) == .retry(after: .seconds(180)))
    }

    @Test(
        "Trouble at Apple's is tried again",
        arguments: [(500, "InternalServerError"), (503, "ServiceUnavailable"), (502, ""), (500, "Unheard")])
    func trouble(status: Int, reason: String) {
        #expect(self.verdict(self.refused(status, reason)) == .retry(after: nil))
    }

    @Test("A server that shuts down is left for another connection")
    func shutdown() {
        #expect(self.verdict(self.refused(503, "Shutdown")) == .retryOnNewConnection)
    }

    @Test("A channel that is not there is forgotten")
    func channel() {
        let target = PushTarget.apnsChannel(APNsChannel(id: "a", topic: "b", environment: .sandbox))
        let verdict = target.verdict(self.refused(400, "ChannelNotRegistered"), PushAttempt(now: Samples.now))
        #expect(verdict == .dropTarget(unlessRegisteredAfter: nil, reason: "HTTP 400 ChannelNotRegistered"))
    }

    @Test(
        "No failure of transport ever drops a target, whatever the service",
        arguments: [
            PushTransportFailure.unreachable, .lost, .timedOut, .refusedStream, .forbiddenAddress,
        ])
    func transport(failure: PushTransportFailure) {
        for target in Self.everyTarget {
            switch target.verdict(.failed(failure), PushAttempt(now: Samples.now)) {
            case .retry(nil): #expect([.unreachable, .lost, .timedOut].contains(failure))
            case .retryOnNewConnection: #expect(failure == .refusedStream)
            case .abandon: #expect(failure == .forbiddenAddress)
            case let verdict: Issue.record("\(verdict)")
            }
        }
    }

    private static let everyTarget: [PushTarget] = {
        let secret = PushSecret("https://example.com/")
        return [
            .apns(Samples.device), .liveActivity(Samples.device),
            .apnsChannel(APNsChannel(id: "", topic: "", environment: .sandbox)), .fcm(FCMRecipient("t")),
            .webPush(WebPushSubscription(endpoint: "", publicKey: [], authSecret: [])), .beams(.users(["a"])),
            .webhook(WebhookTarget(url: "", secrets: [])), .ntfy(NtfyTopic(server: "", topic: "")),
            .slack(SlackWebhook(url: secret)), .discord(DiscordWebhook(url: secret)),
            .telegram(TelegramChat(botToken: secret, chatID: "1")),
        ]
    }()

    @Test("Any bytes as an answer, with any status, give a verdict of every service", arguments: UInt64(0)..<50)
    func anyBytes(number: UInt64) {
        var seed = SplitMix64(seed: number)
        let words = [
            #"{"reason":"#, #"{"error":{"details":[{"@type":1}]}}"#, "null", #"{"retry_after":-1e400}"#,
            #"{"parameters":{"retry_after":"x"}}"#,
        ]
        for target in Self.everyTarget {
            var body = Array(words[Int(seed.next() % UInt64(words.count))].utf8)
            body += (0..<Int(seed.next() % 300)).map { _ in UInt8(truncatingIfNeeded: seed.next()) }
            let status = Int(seed.next() % 700)
            let headers = [NotificationHeader("Retry-After", "\(seed.next())")]
            let outcome = PushOutcome.answered(PushResponse(status: status, headers: headers, body: body))
            let verdict = target.verdict(outcome, PushAttempt(now: Samples.now))
            if case .delivered = verdict { #expect((200...299).contains(status)) }
            if case .retry(let wait?) = verdict { #expect(wait <= .seconds(86_400)) }
        }
    }
}
