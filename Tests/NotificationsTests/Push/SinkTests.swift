import Crypto
import Foundation
import Market
import Testing

@testable import Notifications

/// One target of each kind.
private enum Target {
    static let url = PushSecret("https://example.com/a")
    static let slack = PushTarget.slack(SlackWebhook(url: url))
    static let discord = PushTarget.discord(DiscordWebhook(url: url))
    static let telegram = PushTarget.telegram(TelegramChat(botToken: url, chatID: "1"))
    static let ntfy = PushTarget.ntfy(NtfyTopic(server: "https://ntfy.sh", topic: "a"))
    static let hook = PushTarget.webhook(WebhookTarget(url: "https://example.com/", secrets: []))

    static let answers: [(PushTarget, Int, String, PushVerdict)] = [
        (slack, 200, "ok", .delivered(id: nil)),
        (slack, 404, "no_service", drop("HTTP 404 no_service")),
        (slack, 410, "channel_is_archived", drop("HTTP 410 channel_is_archived")),
        (slack, 403, "action_prohibited", .suspendCredential(reason: "HTTP 403 action_prohibited")),
        (slack, 400, "invalid_payload", .abandon(reason: "HTTP 400 invalid_payload")),
        (slack, 429, "", .retry(after: .seconds(1))),
        (slack, 500, "rollup_error", .retry(after: nil)),
        (discord, 200, #"{"id":"55"}"#, .delivered(id: "55")),
        (discord, 404, #"{"message":"Gone","code":10015}"#, drop("HTTP 404 Gone")),
        (discord, 404, #"{"message":"Unknown Message","code":10008}"#, .abandon(reason: "HTTP 404 Unknown Message")),
        (discord, 401, #"{"message":"Bad Token","code":50027}"#, drop("HTTP 401 Bad Token")),
        (discord, 429, #"{"retry_after":1.337,"global":false}"#, .retry(after: .milliseconds(1_337))),
        (discord, 429, "", .retry(after: .seconds(2))),
        (discord, 400, #"{"message":"Bad Form"}"#, .abandon(reason: "HTTP 400 Bad Form")),
        (telegram, 200, #"{"ok":true,"result":{"message_id":7}}"#, .delivered(id: "7")),
        (telegram, 429, #"{"ok":false,"parameters":{"retry_after":31}}"#, .retry(after: .seconds(31))),
        (telegram, 403, #"{"description":"Forbidden: blocked"}"#, drop("HTTP 403 Forbidden: blocked")),
        (telegram, 400, #"{"description":"Bad Request: message is not modified"}"#, .delivered(id: nil)),
        (telegram, 400, #"{"description":"chat not found"}"#, drop("HTTP 400 chat not found")),
        (
            telegram, 400, #"{"description":"up","parameters":{"migrate_to_chat_id":-100}}"#,
            drop("HTTP 400 up: the chat is now -100")
        ),
        (telegram, 401, #"{"description":"No"}"#, .suspendCredential(reason: "HTTP 401 No")),
        (telegram, 502, "", .retry(after: nil)),
        (ntfy, 200, #"{"id":"Q"}"#, .delivered(id: "Q")),
        (ntfy, 403, #"{"code":40301,"error":"forbidden"}"#, .suspendCredential(reason: "HTTP 403 forbidden")),
        (ntfy, 429, "", .retry(after: .seconds(60))),
        (ntfy, 413, "", .shrink),
        (ntfy, 400, #"{"error":"bad"}"#, .abandon(reason: "HTTP 400 bad")),
        (hook, 204, "", .delivered(id: nil)),
        (hook, 410, "", drop("HTTP 410")),
        (hook, 400, "", .retry(after: nil)),
        (hook, 302, "", .retry(after: nil)),
        (hook, 500, "", .retry(after: nil)),
    ]

    private static func drop(_ reason: String) -> PushVerdict {
        .dropTarget(unlessRegisteredAfter: nil, reason: reason)
    }
}

@Suite("Beams, webhooks, ntfy and chats")
struct SinkTests {
    private static let now = Samples.now
    private static let key = PushSecret(String(repeating: "K", count: 64))

    private func beams() throws -> BeamsBuilder {
        BeamsBuilder(try BeamsInstance(id: "8f9a6e22-2483", secretKey: Self.key))
    }

    @Test("A publish to interests has the shape of Beams, with headers lifted out of APNs")
    func beamsInterests() throws {
        let request = try self.beams().publish(
            try Samples.content(), to: .interests(["symbol;BTC-USD"]), now: Self.now)
        #expect(
            request.url
                == "https://8f9a6e22-2483.pushnotifications.pusher.com/publish_api/v1/instances/8f9a6e22-2483/publishes/interests"
        )
        #expect(request.headers["authorization"] == "Bearer \(Self.key.exposed)")
        let body = try Samples.object(request.body)
        #expect(body["interests"] as? [String] == ["symbol;BTC-USD"] && body["users"] == nil)
        let apns = try Samples.object(body, "apns")
        #expect(apns["collapse_id"] as? String == "alert-42" && apns["priority"] as? Int == 10)
        let fcm = try Samples.object(body, "fcm")
        #expect(fcm["time_to_live"] as? Int == 900 && fcm["collapse_key"] == nil)
        #expect(try Samples.object(fcm, "notification")["tag"] as? String == "alert-42")
        #expect(fcm["data"] as? [String: String] != nil)
        #expect(
            try Samples.object(body, "web", "notification")["deep_link"] as? String
                == "https://example.com/?symbol=BTC-USD")
    }

    @Test("A thousand users with long names fit their limit")
    func beamsUsers() throws {
        let users = (0..<1_000).map { String(repeating: "u", count: 160) + String($0) }
        let request = try self.beams().publish(try Samples.content(), to: .users(users), now: Self.now)
        #expect(request.url.hasSuffix("/publishes/users") && request.body.count <= 204_800)
        #expect((try Samples.object(request.body)["users"] as? [String])?.count == 1_000)
    }

    @Test("Names and counts that Beams refuses are refused here")
    func beamsNames() {
        let audiences: [BeamsAudience] = [
            .interests([]), .interests(Array(repeating: "a", count: 101)), .interests([""]), .interests(["a b"]),
            .interests(["price:1"]), .interests([String(repeating: "a", count: 165)]), .users([]),
            .users(Array(repeating: "a", count: 1_001)), .users([""]), .users([String(repeating: "ä", count: 83)]),
        ]
        for audience in audiences { #expect(throws: PushError.self, "\(audience)") { try audience.check() } }
        for audience in [
            BeamsAudience.interests(["price;BTC-USD;gt;70000", "_-=@,.;"]), .users([String(repeating: "ä", count: 82)]),
        ] {
            #expect(throws: Never.self) { try audience.check() }
        }
    }

    @Test("A user's name is escaped in a path, a full stop too")
    func beamsDelete() throws {
        let request = try self.beams().deleteUser("../ä")
        #expect(request.method == "DELETE" && request.url.hasSuffix("/users/%2E%2E%2F%C3%A4"))
    }

    @Test("A user token is HS256 with the instance as issuer and ends in a day")
    func beamsToken() async throws {
        let token = try await BeamsInstance(id: "8f9a6e22-2483", secretKey: Self.key).userToken(
            for: "ann", now: Self.now)
        let parts = token.exposed.split(separator: ".").map(String.init)
        let claims = String(decoding: try #require(Base64URL.decode(parts[1])), as: UTF8.self)
        #expect(claims == #"{"exp":1795521600,"iss":"https://8f9a6e22-2483.pushnotifications.pusher.com","sub":"ann"}"#)
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("\(parts[0]).\(parts[1])".utf8), using: SymmetricKey(data: Data(Self.key.exposed.utf8)))
        #expect(Base64URL.encode(code) == parts[2])
    }

    @Test(
        "Beams' answers",
        arguments: [
            (200, PushVerdict.delivered(id: "pubid-1")), (400, .abandon(reason: "HTTP 400 E: D")),
            (401, .suspendCredential(reason: "HTTP 401 E: D")), (402, .suspendCredential(reason: "HTTP 402 E: D")),
            (404, .suspendCredential(reason: "HTTP 404 E: D")), (413, .shrink),
            (422, .abandon(reason: "HTTP 422 E: D")),
            (429, .retry(after: .seconds(1))), (500, .retry(after: nil)),
        ])
    func beamsAnswers(status: Int, verdict: PushVerdict) {
        let body = status == 200 ? #"{"publishId":"pubid-1"}"# : #"{"error":"E","description":"D"}"#
        #expect(
            PushTarget.beams(.users(["a"])).verdict(Samples.answer(status, body), PushAttempt(now: Self.now)) == verdict
        )
    }

    @Test("A webhook is signed over its id, its time and its bytes")
    func webhook() throws {
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let request = try WebhookBuilder(WebhookTarget(url: "https://example.com/hook", secrets: [secret]))
            .notification(
                try Samples.content(), type: "alert.fired", deliveryID: "d.1", now: Self.now)
        let id = try #require(request.headers["webhook-id"])
        // A full stop separates what is signed.
        #expect(!id.contains("."))
        let signed = Array("\(id).1795435200.".utf8) + request.body
        let key = SymmetricKey(data: try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
        let code = Data(HMAC<SHA256>.authenticationCode(for: signed, using: key)).base64EncodedString()
        #expect(request.headers["webhook-signature"] == "v1,\(code)")
        let data = try Samples.object(Samples.object(request.body), "data")
        #expect(data["id"] as? String == "alert-42-3" && data["sparkline"] as? [Int] == [0, 50, 100])
    }

    @Test("ntfy gets JSON with priority, tags, buttons that open something, and an id to replace by")
    func ntfy() throws {
        let topic = NtfyTopic(server: "https://ntfy.sh", topic: "prices", token: PushSecret("tk_1"))
        let request = try NtfyBuilder(topic).notification(try Samples.content(priority: .urgent))
        #expect(request.url == "https://ntfy.sh/" && request.headers["authorization"] == "Bearer tk_1")
        let body = try Samples.object(request.body)
        #expect(body["topic"] as? String == "prices" && body["priority"] as? Int == 5)
        #expect(body["tags"] as? [String] == ["BTC-USD"] && body["sequence_id"] as? String == "alert-42")
        #expect((body["actions"] as? [[String: Any]])?.count == 1)
        #expect(body["message"] as? String == "Coinbase\n70000.50 on coinbase at 12:00:00 UTC")
    }

    @Test("Discord edits by id, mentions nobody and is quiet when it shall be")
    func discord() throws {
        let builder = try DiscordBuilder(DiscordWebhook(url: PushSecret("https://discord.com/api/webhooks/1/a")))
        var content = try Samples.content(priority: .passive)
        content.body = "@everyone *bold* [x](https://evil.example) <@1>"
        let posted = try builder.notification(content)
        #expect(posted.method == "POST" && posted.url.hasSuffix("/1/a?wait=true"))
        let body = try Samples.object(posted.body)
        #expect(body["flags"] as? Int == 4_096)
        #expect(try Samples.object(body, "allowed_mentions")["parse"] as? [String] == [])
        let embed = try #require((body["embeds"] as? [[String: Any]])?.first)
        #expect(
            (embed["description"] as? String)?.contains(#"\@everyone \*bold\* \[x\]\(https\://evil.example\) \<\@1\>"#)
                == true)
        let edited = try builder.notification(content, replacing: "123")
        #expect(edited.method == "PATCH" && edited.url.hasSuffix("/1/a/messages/123"))
        #expect(throws: PushError.self) { try builder.notification(content, replacing: "1/../2") }
    }

    @Test("Telegram gets escaped HTML, edits by id and opens links by buttons")
    func telegram() throws {
        let chat = TelegramChat(botToken: PushSecret("1:" + String(repeating: "A", count: 35)), chatID: "@prices")
        var content = try Samples.content(priority: .passive)
        content.title = "<b>1 & 2</b>"
        let posted = try TelegramBuilder(chat).notification(content)
        #expect(posted.url.hasSuffix("/sendMessage"))
        let body = try Samples.object(posted.body)
        #expect(body["chat_id"] as? String == "@prices" && body["disable_notification"] as? Bool == true)
        #expect((body["text"] as? String)?.hasPrefix("<b>&lt;b&gt;1 &amp; 2&lt;/b&gt;</b>\n") == true)
        let keyboard = try Samples.object(body, "reply_markup")["inline_keyboard"] as? [[[String: String]]]
        #expect(keyboard?.first?.map { $0["text"] } == ["Snooze"])
        let edited = try TelegramBuilder(chat).notification(content, replacing: "77")
        #expect(edited.url.hasSuffix("/editMessageText"))
        #expect(try Samples.object(edited.body)["message_id"] as? Int == 77)
    }

    @Test("A link that Telegram would refuse costs the button, not the message")
    func telegramLocal() throws {
        let chat = TelegramChat(botToken: PushSecret("1:" + String(repeating: "A", count: 35)), chatID: "1")
        var content = try Samples.content()
        content.link = "http://localhost:6001/?symbol=BTC-USD"
        content.actions = []
        #expect(try Samples.object(TelegramBuilder(chat).notification(content).body)["reply_markup"] == nil)
    }

    @Test("Targets that are none are refused, without their secrets")
    func badTargets() throws {
        let good = "1:" + String(repeating: "A", count: 35)
        for (token, chat) in [("1:short", "1"), (good + "/../x", "1"), (good, "prices"), (good, "@a/b?c"), ("", "1")] {
            let error = #expect(throws: PushError.self) {
                try TelegramBuilder(TelegramChat(botToken: PushSecret(token), chatID: chat))
            }
            #expect(token.isEmpty || error?.description.contains(token) == false)
        }
        for url in ["", "http://hooks.slack.com/services/a", "file:///etc/passwd"] {
            #expect(throws: PushError.self) { try SlackBuilder(SlackWebhook(url: PushSecret(url))) }
            #expect(throws: PushError.self) { try DiscordBuilder(DiscordWebhook(url: PushSecret(url))) }
        }
        for (server, topic) in [("ntfy.sh", "a"), ("https://ntfy.sh", "a/b"), ("https://ntfy.sh", "")] {
            #expect(throws: PushError.self) { try NtfyBuilder(NtfyTopic(server: server, topic: topic)) }
        }
        #expect(
            "\(PushSecret("hidden"))" == "…"
                && String(reflecting: TelegramChat(botToken: PushSecret("hidden"), chatID: "1")).contains("hidden")
                    == false
        )
    }

    @Test("Each service's answers, with the wait in each one's own form", arguments: Target.answers)
    func answers(target: PushTarget, status: Int, body: String, verdict: PushVerdict) {
        #expect(target.verdict(Samples.answer(status, body), PushAttempt(now: Self.now)) == verdict)
    }

    @Test(
        "A header Retry-After is obeyed in seconds and as a date, up to a day",
        arguments: [
            ("120", Duration.seconds(120)), ("0", .zero), ("999999999", .seconds(86_400)),
            ("Mon, 23 Nov 2026 12:00:10 GMT", .seconds(10)), ("Mon, 23 Nov 2020 12:00:10 GMT", .zero),
        ])
    func retryAfter(text: String, wait: Duration) {
        let outcome = Samples.answer(503, "", [NotificationHeader("Retry-After", text)])
        #expect(Target.hook.verdict(outcome, PushAttempt(now: Self.now)) == .retry(after: wait))
    }

    @Test("A Retry-After that is none does not count", arguments: ["soon", "-1", "nan", "Mon, 23 Nov 2026", "inf"])
    func badRetryAfter(text: String) {
        #expect(RetryAfter.parse(text, now: Self.now) == nil)
    }

    @Test("A message to edit that is gone is recognised, so that it can be posted anew")
    func gone() {
        let discord = PushResponse(status: 404, body: Array(#"{"code":10008}"#.utf8))
        let telegram = PushResponse(
            status: 400, body: Array(#"{"description":"Bad Request: message to edit not found"}"#.utf8))
        #expect(ChatEdit.isMessageGone(Target.discord, discord) && ChatEdit.isMessageGone(Target.telegram, telegram))
        #expect(!ChatEdit.isMessageGone(Target.slack, discord) && !ChatEdit.isMessageGone(Target.discord, telegram))
    }
}
