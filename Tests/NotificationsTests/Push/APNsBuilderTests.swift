import Crypto
import Foundation
import Market
import Testing

@testable import Notifications

@Suite("APNs requests")
struct APNsBuilderTests {
    private func builder() throws -> APNsBuilder {
        try APNsBuilder(device: Samples.device, providerToken: PushSecret("token"))
    }

    @Test(
        "Type, priority and interruption level go together",
        arguments: [
            (NotificationPriority.passive, "5", "passive"), (.active, "10", "active"),
            (.urgent, "10", "time-sensitive"),
        ])
    func priorities(priority: NotificationPriority, header: String, level: String) throws {
        let request = try self.builder().notification(try Samples.content(priority: priority))
        #expect(request.method == "POST")
        #expect(request.url == "https://api.push.apple.com/3/device/\(Samples.device.token)")
        #expect(request.headers["authorization"] == "bearer token")
        #expect(request.headers["apns-push-type"] == "alert")
        #expect(request.headers["apns-topic"] == "com.example.prices")
        #expect(request.headers["apns-priority"] == header)
        #expect(request.headers["apns-expiration"] == "1795436100")
        #expect(request.headers["apns-collapse-id"] == "alert-42")
        let aps = try Samples.object(Samples.object(request.body), "aps")
        #expect(aps["interruption-level"] as? String == level)
        #expect((aps["sound"] == nil) == (priority == .passive))
    }

    @Test("An alert carries everything Apple has a key for")
    func alert() throws {
        var content = try Samples.content()
        content.localization = PushLocalization(
            titleKey: "CROSSED", titleArguments: ["BTC-USD"], bodyKey: "PRICE", bodyArguments: ["70000.50", "coinbase"])
        let payload = try Samples.object(self.builder().notification(content).body)
        let aps = try Samples.object(payload, "aps")
        let alert = try Samples.object(aps, "alert")
        #expect(alert["title"] as? String == content.title && alert["subtitle"] as? String == "Coinbase")
        #expect(alert["title-loc-key"] as? String == "CROSSED" && alert["title-loc-args"] as? [String] == ["BTC-USD"])
        #expect(alert["loc-key"] as? String == "PRICE" && alert["loc-args"] as? [String] == ["70000.50", "coinbase"])
        #expect(aps["badge"] as? Int == 3 && aps["thread-id"] as? String == "BTC-USD")
        #expect(aps["category"] as? String == "PRICE_ALERT" && aps["mutable-content"] as? Int == 1)
        #expect(aps["relevance-score"] as? Double == 0.75 && aps["target-content-id"] as? String == "BTC-USD")
        #expect(payload["eid"] as? String == "alert-42-3" && payload["venue"] as? String == "coinbase")
        #expect(payload["sparkline"] as? [Int] == [0, 50, 100])
        #expect((payload["actions"] as? [[String: String]])?.map { $0["id"] } == ["snooze", "rearm"])
    }

    @Test("A silent content is a background push with priority 5 and nothing that shows")
    func background() throws {
        var content = try Samples.content(priority: .urgent)
        content.isSilent = true
        let request = try self.builder().notification(content)
        #expect(request.headers["apns-push-type"] == "background" && request.headers["apns-priority"] == "5")
        #expect(request.headers["apns-collapse-id"] == nil)
        let aps = try Samples.object(Samples.object(request.body), "aps")
        #expect(aps.count == 1 && aps["content-available"] as? Int == 1)
    }

    @Test("The id is the same for every attempt and another for every device and event")
    func identity() throws {
        let id = APNsBuilder.notificationID(event: "alert-42-3", token: "AB")
        #expect(id == APNsBuilder.notificationID(event: "alert-42-3", token: "ab"))
        #expect(id != APNsBuilder.notificationID(event: "alert-42-3", token: "ac"))
        #expect(id != APNsBuilder.notificationID(event: "alert-42-4", token: "ab"))
        #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }

    @Test("A collapse id that a header cannot carry becomes a digest")
    func collapse() throws {
        var content = try Samples.content()
        for id in [String(repeating: "x", count: 65), "käse", "a\r\nb", ""] {
            content.collapseID = id
            let header = try #require(try self.builder().notification(content).headers["apns-collapse-id"])
            #expect(header.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        }
    }

    @Test(
        "A token that is no token is refused before it is part of a URL",
        arguments: ["", "abc", "zz", "ab/../cd", "ab cd"])
    func badToken(token: String) throws {
        let device = APNsDevice(token: token, topic: "com.example", environment: .sandbox)
        let error = #expect(throws: PushError.self) { try APNsBuilder(device: device, providerToken: PushSecret("t")) }
        #expect(error?.description.contains("hexadecimal") == true)
    }

    @Test("A topic that is no bundle id is refused", arguments: ["", "com example", "com.example/x", "com_example"])
    func badTopic(topic: String) {
        let device = APNsDevice(token: "ab", topic: topic, environment: .sandbox)
        #expect(throws: PushError.self) { try APNsBuilder(device: device, providerToken: PushSecret("t")) }
    }

    @Test("Each environment has its own servers")
    func servers() {
        #expect(APNsServers(.sandbox).push == "https://api.sandbox.push.apple.com")
        #expect(APNsServers(.production).channels == "https://api-manage-broadcast.push.apple.com:2196")
        #expect(APNsServers(.sandbox).channels == "https://api-manage-broadcast.sandbox.push.apple.com:2195")
    }

    @Test("A provider token is ES256 with kid, iss and a whole iat, and verifies")
    func providerToken() async throws {
        let key = P256.Signing.PrivateKey()
        let apns = try APNsKey(pem: key.pemRepresentation, keyID: "ABC1234567", teamID: "TEAM123456")
        let token = try await apns.token(now: Samples.now)
        let parts = token.split(separator: ".").map(String.init)
        #expect(parts.count == 3)
        let header = try Samples.object(try #require(Base64URL.decode(parts[0])))
        #expect(header["alg"] as? String == "ES256" && header["kid"] as? String == "ABC1234567")
        let claims = String(decoding: try #require(Base64URL.decode(parts[1])), as: UTF8.self)
        #expect(claims == #"{"iat":1795435200,"iss":"TEAM123456"}"#)
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: try #require(Base64URL.decode(parts[2])))
        #expect(key.publicKey.isValidSignature(signature, for: Data("\(parts[0]).\(parts[1])".utf8)))
    }

    @Test("A key of another curve, ids of another form and no key at all are refused without being repeated")
    func badKeys() {
        let good = P256.Signing.PrivateKey().pemRepresentation
        let other = P384.Signing.PrivateKey().pemRepresentation
        for (pem, keyID, teamID, word) in [
            (other, "ABC1234567", "TEAM123456", "P-256"), ("secret", "ABC1234567", "TEAM123456", "P-256"),
            (good, "abc1234567", "TEAM123456", "key id"), (good, "ABC1234567", "TEAM", "team id"),
        ] {
            let error = #expect(throws: PushError.self) { try APNsKey(pem: pem, keyID: keyID, teamID: teamID) }
            #expect(error?.description.contains(word) == true)
            #expect(error?.description.contains(pem) == false)
        }
    }
}
