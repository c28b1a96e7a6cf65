import Alerts
import Foundation
import Market
import Notifications
import Testing

@Suite("Notification payloads")
struct NotificationPayloadsTests {
    /// 2026-11-23T12:00:00.25Z.
    static let firedAt = Timestamp(nanoseconds: 1_795_435_200_250_000_000)

    static func fired(
        _ expression: String = "crosses above 70000", price: String = "70010.5", previous: String? = "69990.25",
        user: String = "ada", tradeID: String? = "tr\"ade-1"
    ) throws -> FiredAlert {
        let time = Timestamp(nanoseconds: 1_795_435_200_123_456_000)
        let trade = Trade(
            symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), price: try #require(Decimal64(price)),
            size: Decimal64("0.0105"), side: .buy, id: tradeID, eventTime: time,
            receivedTime: time.advanced(byNanoseconds: 1_000_000))
        let alert = Alert(
            id: 42, user: user, symbol: try Symbol("BTC-USD"), expression: try AlertExpression(parsing: expression),
            webhookURL: "https://hooks.example.com/x",
            state: AlertState(isArmed: false, lastPrice: trade.price, lastFiredAt: Self.firedAt, crossingCount: 3))
        return FiredAlert(
            alert: alert, cause: FiredAlert.Cause(trade), previousPrice: previous.flatMap { Decimal64($0) },
            crossing: 3,
            firedAt: Self.firedAt)
    }

    static func payloads(_ fired: FiredAlert, link: String = "https://prices.example.com/") throws
        -> NotificationPayloads
    {
        let options = try NotificationOptions(topic: "com.example.prices", link: link, topicKey: Array("key".utf8))
        return try NotificationPayloads(fired, options: options)
    }

    static func object(_ json: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
    }

    @Test("APNs: every header is there, with a value that APNs takes")
    func apnsHeaders() throws {
        let apns = try Self.payloads(try Self.fired()).apns
        #expect(apns.headers["apns-topic"] == "com.example.prices")
        #expect(apns.headers["apns-push-type"] == "alert")
        #expect(apns.headers["apns-priority"] == "10")
        #expect(apns.headers["apns-expiration"] == "1795436100")
        #expect(apns.headers["apns-collapse-id"] == "alert-42")
        #expect((apns.headers["apns-collapse-id"]?.utf8.count ?? 99) <= 64)
        // The value is Python's uuid.uuid5 of the namespace and "alert-42-3".
        #expect(apns.headers["apns-id"] == "afc3d2cd-2c13-5c4e-800a-b14da49f8b2d")
        #expect(apns.headers.count == 6)
    }

    @Test("APNs: aps holds what the system shows, custom keys stand beside it")
    func apnsPayload() throws {
        let apns = try Self.payloads(try Self.fired()).apns
        let payload = try Self.object(apns.payload)
        let aps = try #require(payload["aps"] as? [String: Any])
        let alert = try #require(aps["alert"] as? [String: String])
        #expect(
            alert == [
                "title": "BTC-USD crossed above 70000", "body": "70010.5 on coinbase at 12:00:00 UTC, before 69990.25",
            ])
        #expect(aps["thread-id"] as? String == "BTC-USD")
        #expect(aps["interruption-level"] as? String == "active")
        #expect(aps["category"] as? String == "PRICE_ALERT")
        #expect(aps["sound"] as? String == "default")
        #expect(payload["eid"] as? String == "alert-42-3")
        #expect(payload["tradeId"] as? String == "tr\"ade-1")
        #expect(payload["price"] as? String == "70010.5")
        #expect(payload["eventTime"] as? String == "2026-11-23T12:00:00.123456Z")
        #expect(apns.payload.count <= 4_096)
        let stored = try Self.object(apns.json)
        #expect(Set(stored.keys) == ["headers", "payload"])
    }

    @Test("FCM: only keys of the v1 message, data is strings without reserved names")
    func fcm() throws {
        let message = try #require(
            try Self.object(try Self.payloads(try Self.fired()).fcm.json)["message"] as? [String: Any])
        #expect(Set(message.keys) == ["data", "notification", "android", "apns", "webpush"])
        let data = try #require(message["data"] as? [String: String])
        for key in data.keys {
            #expect(!["from", "message_type"].contains(key))
            #expect(!key.hasPrefix("google.") && !key.hasPrefix("gcm.notification."))
        }
        #expect(
            data["crossing"] == "3" && data["alert"] == "42"
                && data["link"] == "https://prices.example.com/?symbol=BTC-USD")
        #expect(Set((message["notification"] as? [String: String] ?? [:]).keys) == ["title", "body"])
        let android = try #require(message["android"] as? [String: Any])
        #expect(Set(android.keys) == ["priority", "ttl", "notification"])
        #expect(android["priority"] as? String == "HIGH")
        #expect(android["ttl"] as? String == "900s")
        #expect(
            android["notification"] as? [String: String] == [
                "tag": "alert-42", "channel_id": "price-alerts", "event_time": "2026-11-23T12:00:00.123456Z",
            ])
        let apns = try #require(message["apns"] as? [String: Any])
        let apnsHeaders = try #require(apns["headers"] as? [String: String])
        #expect(apnsHeaders["apns-priority"] == "10" && apnsHeaders["apns-collapse-id"] == "alert-42")
        #expect((apns["payload"] as? [String: Any])?["aps"] != nil)
        let webpush = try #require(message["webpush"] as? [String: Any])
        #expect(Set(webpush.keys) == ["headers", "notification", "fcm_options"])
        #expect((webpush["headers"] as? [String: String])?["Urgency"] == "high")
        #expect((webpush["fcm_options"] as? [String: String])?["link"]?.hasPrefix("https://") == true)
    }

    @Test("FCM: a token makes the one target, and what is left of the validity is the ttl")
    func fcmAtSending() throws {
        let options = try NotificationOptions()
        let now = Self.firedAt.advanced(byNanoseconds: 600_000_000_000)
        let json = try FCMMessage(try Self.fired(), options: options, token: "device-1", now: now).json
        let message = try #require(try Self.object(json)["message"] as? [String: Any])
        #expect(message["token"] as? String == "device-1")
        #expect((message["android"] as? [String: Any])?["ttl"] as? String == "300s")
        // FCM refuses links that are not https.
        #expect((message["webpush"] as? [String: Any])?["fcm_options"] == nil)
        let late = try FCMMessage(try Self.fired(), options: options, now: now.advanced(byNanoseconds: 600_000_000_000))
        #expect(String(decoding: late.json, as: UTF8.self).contains("\"ttl\":\"0s\""))
    }

    @Test("Web Push: headers, and one document for Safari and the worker")
    func webPush() throws {
        let message = try Self.payloads(try Self.fired()).webPush
        #expect(message.headers["TTL"] == "900")
        #expect(message.headers["Urgency"] == "high")
        // The first half of Python's hmac.new(b"key", b"alert-42", sha256).
        #expect(message.headers["Topic"] == "dc099ae952c1dedb11d720c5f1d46283")
        let document = try Self.object(message.document)
        #expect(document["web_push"] as? Int == 8030)
        #expect(document["mutable"] as? Bool == true)
        let notification = try #require(document["notification"] as? [String: Any])
        #expect(notification["title"] as? String == "BTC-USD crossed above 70000")
        #expect(notification["navigate"] as? String == "https://prices.example.com/?symbol=BTC-USD")
        #expect(notification["tag"] as? String == "alert-42")
        #expect(notification["dir"] as? String == "ltr")
        #expect(notification["timestamp"] as? Int == 1_795_435_200_123)
        #expect((notification["data"] as? [String: String])?["eid"] == "alert-42-3")
        #expect(message.document.count <= 2_500)
    }

    @Test("The webhook's body has type, timestamp and everything about the firing")
    func webhook() throws {
        let payloads = try Self.payloads(try Self.fired())
        let body = try Self.object(payloads.webhook)
        #expect(Set(body.keys) == ["type", "timestamp", "data"])
        #expect(body["type"] as? String == "alert.fired")
        #expect(body["timestamp"] as? String == "2026-11-23T12:00:00.250000Z")
        let data = try #require(body["data"] as? [String: Any])
        #expect(data["id"] as? String == payloads.eventID)
        #expect(data["alert"] as? Int == 42 && data["crossing"] as? Int == 3 && data["user"] as? String == "ada")
        #expect(data["price"] as? String == "70010.5" && data["threshold"] as? String == "70000")
        #expect(data["direction"] as? String == "above" && data["condition"] as? String == "crosses above 70000")
    }

    @Test("The realtime event carries the same data on the user's private channel")
    func channel() throws {
        let payloads = try Self.payloads(try Self.fired(user: "ada"))
        #expect(payloads.channelName == "private-alerts-ada")
        let data = try Self.object(payloads.channelData)
        let webhook = try #require(try Self.object(payloads.webhook)["data"] as? [String: Any])
        #expect(NSDictionary(dictionary: data) == NSDictionary(dictionary: webhook))
    }

    @Test(
        "The title says what happened",
        arguments: [
            ("above 70000", "70010.5", "BTC-USD is above 70000"), ("below 70000", "69000", "BTC-USD is below 70000"),
            ("crosses 70000", "69000", "BTC-USD crossed below 70000"),
            ("crosses 70000", "71000", "BTC-USD crossed above 70000"),
        ])
    func titles(expression: String, price: String, title: String) throws {
        let data = try Self.object(try Self.payloads(try Self.fired(expression, price: price)).channelData)
        #expect(data["title"] as? String == title)
    }

    @Test("The first price ever has no price before it")
    func noPrevious() throws {
        let payloads = try Self.payloads(try Self.fired(previous: nil))
        let data = try Self.object(payloads.channelData)
        #expect(data["previousPrice"] == nil)
        #expect(data["body"] as? String == "70010.5 on coinbase at 12:00:00 UTC")
    }

    @Test("A payload that is too large loses its extras first", arguments: [10, 1_500, 3_000, 100_000])
    func shrinkLadder(idLength: Int) throws {
        let payloads = try Self.payloads(try Self.fired(tradeID: String(repeating: "é", count: idLength)))
        #expect(payloads.apns.payload.count <= APNsNotification.payloadLimit)
        #expect(payloads.fcm.json.count <= FCMMessage.limit)
        #expect(payloads.webPush.document.count <= WebPushMessage.limit)
        let apns = try Self.object(payloads.apns.payload)
        #expect((apns["tradeId"] != nil) == (idLength <= 1_500))
        #expect(apns["eid"] as? String == "alert-42-3")
    }

    @Test("The longest link still fits every service")
    func longestLink() throws {
        let link = "https://prices.example.com/" + String(repeating: "x", count: 990)
        let payloads = try Self.payloads(try Self.fired(), link: link)
        #expect(payloads.webPush.document.count <= WebPushMessage.limit)
        #expect(payloads.fcm.json.count <= FCMMessage.limit)
    }

    @Test("The same firing gives the same bytes")
    func deterministic() throws {
        #expect(try Self.payloads(try Self.fired()) == Self.payloads(try Self.fired()))
    }

    @Test(
        "Priorities map to each service's own words",
        arguments: [
            (NotificationPriority.passive, "5", "passive", "NORMAL", "normal"),
            (.active, "10", "active", "HIGH", "high"), (.urgent, "10", "time-sensitive", "HIGH", "high"),
        ])
    func priorities(priority: NotificationPriority, apns: String, level: String, fcm: String, urgency: String) throws {
        let options = try NotificationOptions(priority: priority)
        let payloads = try NotificationPayloads(try Self.fired(), options: options)
        #expect(payloads.apns.headers["apns-priority"] == apns)
        #expect(String(decoding: payloads.apns.payload, as: UTF8.self).contains("\"interruption-level\":\"\(level)\""))
        #expect(String(decoding: payloads.fcm.json, as: UTF8.self).contains("\"priority\":\"\(fcm)\""))
        #expect(payloads.webPush.headers["Urgency"] == urgency)
    }

    @Test("Settings that no service would take are refused", arguments: ["", "com example", "com.exämple"])
    func badTopic(topic: String) {
        #expect(throws: NotificationError.invalidTopic(topic)) { try NotificationOptions(topic: topic) }
    }

    @Test(
        "A link must be http or https and short",
        arguments: ["", "javascript:x", "http://a b", "https://" + String(repeating: "x", count: 1_024)])
    func badLink(link: String) {
        #expect(throws: NotificationError.invalidLink(link)) { try NotificationOptions(link: link) }
    }
}
