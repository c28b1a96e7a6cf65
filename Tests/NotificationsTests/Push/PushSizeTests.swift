import Foundation
import Market
import Testing

@testable import Notifications

@Suite("Push requests stay within limits")
struct PushSizeTests {
    @Test("Each rung of the ladder leaves out what its documentation says")
    func rungs() throws {
        let content = try Samples.content()
        #expect(content.reduced(to: .full).sparkline == [0, 50, 100])
        let second = content.reduced(to: .withoutSparkline)
        #expect(second.sparkline.isEmpty && second.actions.count == 2)
        let third = content.reduced(to: .withoutExtras)
        #expect(third.imageURL == nil && third.actions.isEmpty && third.data.map(\.name) == ["alert", "symbol"])
        #expect(content.reduced(to: .short).link != nil)
        let last = content.reduced(to: .minimal)
        #expect(last.link == nil && last.subtitle == nil && last.title == content.title)
    }

    @Test("A long body costs the sparkline first, then extras, then itself")
    func ladder() throws {
        let builder = try APNsBuilder(device: Samples.device, providerToken: PushSecret("t"))
        var content = try Samples.content()
        func extent(_ length: Int) throws -> PushExtent {
            content.body = String(repeating: "x", count: length)
            let request = try builder.notification(content)
            #expect(request.body.count <= 4_096)
            return request.extent
        }
        let room = 4_096 - (try builder.notification(content)).body.count + content.body.utf8.count
        #expect(try extent(room) == .full)
        #expect(try extent(room + 1) == .withoutSparkline)
        #expect(try extent(4_000) == .short)
        #expect(try builder.notification(content, extent: .minimal).extent == .minimal)
    }

    @Test("Whatever is said, every request is valid JSON within its service's limit", arguments: UInt64(0)..<60)
    func property(number: UInt64) async throws {
        var content = Samples.wildContent(number)
        // Names that collide are an error of the caller's; here they must differ.
        content.data = content.data.enumerated().map { PushField("n\($0)", $1.value) }
        let now = Samples.now
        let apns = try APNsBuilder(device: Samples.device, providerToken: PushSecret("t")).notification(content)
        #expect(apns.body.count <= 4_096)
        _ = try Samples.object(apns.body)
        for header in apns.headers { #expect(header.value.utf8.allSatisfy { (0x20...0x7E).contains($0) }) }
        #expect(try #require(apns.headers["apns-id"]).count == 36)
        let longest = FCMRecipient(String(repeating: "t", count: 1_024))
        let fcm = try FCMBuilder(recipient: longest, projectID: "p", accessToken: PushSecret("a"), topicKey: [1])
            .notification(content, now: now)
        #expect(fcm.body.count <= 4_096)
        _ = try Samples.object(fcm.body)
        #expect(WebPushBuilder.document(content.reduced(to: .minimal), form: .declarative).count <= 2_048)
        _ = try Samples.object(WebPushBuilder.document(content.reduced(to: .full), form: .declarative))
        let beams = try BeamsInstance(id: "1-2", secretKey: PushSecret(String(repeating: "k", count: 64)))
        let interests = (0..<100).map { "i\($0)" + String(repeating: "x", count: 50) }
        let publish = try BeamsBuilder(beams).publish(content, to: .interests(interests), now: now)
        #expect(publish.body.count <= 10_240)
        _ = try Samples.object(publish.body)
        let secret = try WebhookSecret(key: Array(0..<24))
        let webhook = try WebhookBuilder(WebhookTarget(url: "https://example.com/", secrets: [secret])).notification(
            content, type: "alert.fired", deliveryID: content.eventID, now: now)
        #expect(webhook.body.count <= 20_000)
        _ = try Samples.object(webhook.body)
    }

    @Test("Whatever is said, chats get it within their limits and without markup", arguments: UInt64(0)..<60)
    func chats(number: UInt64) throws {
        let content = Samples.wildContent(number)
        let ntfy = try NtfyBuilder(NtfyTopic(server: "https://ntfy.sh", topic: "prices")).notification(content)
        let ntfyBody = try Samples.object(ntfy.body)
        let message = try #require(ntfyBody["message"] as? String)
        #expect(message.utf8.count <= 4_096)
        let slack = try SlackBuilder(SlackWebhook(url: PushSecret("https://hooks.slack.com/services/a"))).notification(
            content)
        let slackBody = try Samples.object(slack.body)
        let blocks = try #require(slackBody["blocks"] as? [[String: Any]])
        for block in blocks {
            guard let text = block["text"] as? [String: Any] else { continue }
            #expect(text["type"] as? String == "plain_text")
            let shown = try #require(text["text"] as? String)
            #expect((1...3_000).contains(shown.utf16.count))
        }
        #expect(slackBody["text"] as? String != nil)
        let discord = try DiscordBuilder(DiscordWebhook(url: PushSecret("https://discord.com/api/webhooks/1/a")))
            .notification(content)
        let embed = try #require((try Samples.object(discord.body)["embeds"] as? [[String: Any]])?.first)
        let title = try #require(embed["title"] as? String)
        let description = try #require(embed["description"] as? String)
        #expect(title.utf16.count <= 256 && description.utf16.count <= 4_096)
        let fields = embed["fields"] as? [[String: Any]] ?? []
        let texts = fields.flatMap { [$0["name"] as? String ?? "", $0["value"] as? String ?? ""] }
        #expect((texts + [title, description]).map(\.utf16.count).reduce(0, +) <= 6_000)
        let chat = TelegramChat(botToken: PushSecret("1:" + String(repeating: "A", count: 35)), chatID: "-100")
        let telegram = try TelegramBuilder(chat).notification(content)
        let text = try #require(try Samples.object(telegram.body)["text"] as? String)
        let shown = text.replacing("<b>", with: "").replacing("</b>", with: "").replacing("&lt;", with: "<")
            .replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        #expect(shown.utf16.count <= 4_096)
        let tags = text.filter { $0 == "<" }
        #expect(tags.count == 2)
    }

    @Test(
        "A pair whose name a service keeps for itself is refused by name",
        arguments: ["from", "message_type", "collapse_key", "google.x", "gcm.notification.y", ""])
    func reserved(name: String) throws {
        var content = try Samples.content()
        content.data = [PushField(name, "1")]
        let builder = try FCMBuilder(
            recipient: FCMRecipient("t"), projectID: "p", accessToken: PushSecret("a"), topicKey: [])
        #expect(throws: PushError.reservedName(name, service: "FCM")) {
            try builder.notification(content, now: Samples.now)
        }
    }

    @Test("Two pairs of one name are refused, also when the name is one of ours", arguments: ["a", "link"])
    func repeated(name: String) throws {
        var content = try Samples.content()
        content.data = [PushField(name, "1"), PushField(name, "2")]
        let builder = try APNsBuilder(device: Samples.device, providerToken: PushSecret("t"))
        #expect(throws: PushError.repeatedName(name)) { try builder.notification(content) }
    }
}
