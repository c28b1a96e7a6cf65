import Crypto
import Foundation
import Market
import Testing

@testable import Notifications

@Suite("Web Push")
struct WebPushTests {
    /// RFC 8291, section 5 and appendix A.
    private enum Example {
        static let plaintext = "When I grow up, I want to be a watermelon"
        static let publicKey =
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        static let auth = "BTBZMqHH6r4Tts7J_aSIgg"
        static let senderKey = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
        static let salt = "DGv6ra1nlYgDCS1FRnbzlw"
        static let body =
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
            + "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    }

    private static let endpoint = "https://fcm.googleapis.com/fcm/send/abc"

    private func subscription(_ endpoint: String = Self.endpoint) throws -> WebPushSubscription {
        try WebPushSubscription(
            endpoint: endpoint, p256dh: Example.publicKey, auth: Example.auth, rules: WebPushEndpointRules())
    }

    @Test("The example of RFC 8291 comes out byte for byte")
    func example() throws {
        let ephemeral = try WebPushEncryption.Ephemeral(
            privateKey: try #require(Base64URL.decode(Example.senderKey)),
            salt: try #require(Base64URL.decode(Example.salt)))
        let body = try WebPushEncryption.seal(
            Array(Example.plaintext.utf8), for: self.subscription(), padding: .none, with: ephemeral)
        #expect(Base64URL.encode(body) == Example.body)
    }

    @Test(
        "A message is as long as the next step",
        arguments: [(0, 256), (256, 256), (257, 512), (1_024, 1_024), (2_049, 3_072), (3_073, 3_993), (3_993, 3_993)])
    func padding(count: Int, padded: Int) throws {
        let body = try WebPushEncryption.seal(
            [UInt8](repeating: 1, count: count), for: self.subscription(), with: .random())
        #expect(body.count == padded + WebPushEncryption.overhead && body.count <= 4_096)
    }

    @Test("3994 bytes are refused with both numbers")
    func tooLarge() throws {
        #expect(throws: PushError.tooLarge(service: "Web Push", bytes: 3_994, limit: 3_993)) {
            try WebPushEncryption.seal([UInt8](repeating: 1, count: 3_994), for: self.subscription(), with: .random())
        }
    }

    @Test("No two messages share salt or key")
    func fresh() throws {
        let bodies = try (0..<20).map { _ in try WebPushEncryption.seal([1], for: self.subscription(), with: .random())
        }
        #expect(Set(bodies.map { $0.prefix(86) }).count == 20)
    }

    @Test(
        "Endpoints point to permitted hosts over https",
        arguments: [
            ("https://fcm.googleapis.com/fcm/send/a", true),
            ("https://updates.push.services.mozilla.com/wpush/v2/a", true),
            ("https://web.push.apple.com/a", true), ("https://wns2-am3p.notify.windows.com/w/?token=a%2b", true),
            ("http://fcm.googleapis.com/a", false), ("https://evilgoogleapis.com/a", false),
            ("https://googleapis.com.evil.example/a", false), ("https://fcm.googleapis.com@evil.example/a", false),
            ("https://evil.example\\@fcm.googleapis.com/", false), ("https://evil.example#.googleapis.com", false),
            ("https://127.0.0.1/a", false), ("https://[::1]/a", false), ("https://localhost/a", false), ("", false),
            ("javascript:alert(1)", false), ("https://fcm.googleapis.com:99999/a", false),
            ("https://fcm.googleapis.com/a b", false), ("https://FCM.GoogleAPIs.com./a", true),
            ("https://fcm.googleapis.com/\u{e4}", false),
        ])
    func endpoints(endpoint: String, isAllowed: Bool) {
        let result = Result { try self.subscription(endpoint) }
        let subscription = try? result.get()
        #expect((subscription != nil) == isAllowed, "\(result)")
    }

    @Test("An own distributor can be permitted, over http if said so")
    func ownHosts() throws {
        let own = WebPushEndpointRules(domains: ["push.example.org"], allowsHTTP: true)
        try own.check("http://push.example.org:8080/up")
        #expect(throws: PushError.self) { try own.check(Self.endpoint) }
        try WebPushEndpointRules(domains: ["*"]).check("https://anything.example/a")
        #expect(throws: PushError.self) { try WebPushEndpointRules(domains: ["*"]).check("http://anything.example/a") }
    }

    @Test("Keys that are none are refused with what is wrong")
    func badKeys() throws {
        let point = try #require(Base64URL.decode(Example.publicKey))
        var off = point
        off[64] ^= 1
        var compressed = point
        compressed[0] = 2
        for (key, auth, word) in [
            ("***", Example.auth, "Base64"), (Base64URL.encode(point.dropLast()), Example.auth, "64 bytes"),
            (Base64URL.encode(off), Example.auth, "point"), (Base64URL.encode(compressed), Example.auth, "point"),
            (Example.publicKey, "AAAA", "3 bytes"), (Example.publicKey, "=", "0 bytes"),
            (Example.publicKey, "AAAAA", "Base64"),
        ] {
            let error = #expect(throws: PushError.self) {
                try WebPushSubscription(endpoint: Self.endpoint, p256dh: key, auth: auth, rules: WebPushEndpointRules())
            }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
    }

    @Test("A browser's JSON is read, with padding or without")
    func json() throws {
        let json =
            #"{"endpoint":"\#(Self.endpoint)","expirationTime":null,"keys":{"p256dh":"\#(Example.publicKey)=","auth":"\#(Example.auth)=="}}"#
        #expect(try WebPushSubscription(json: Array(json.utf8), rules: WebPushEndpointRules()) == self.subscription())
        #expect(throws: PushError.self) {
            try WebPushSubscription(json: Array("{}".utf8), rules: WebPushEndpointRules())
        }
    }

    private func request(_ content: PushContent, endpoint: String = Self.endpoint) throws -> PushRequest {
        try WebPushBuilder(
            subscription: self.subscription(endpoint), authorization: PushSecret("vapid t=a, k=b"), topicKey: [1, 2, 3]
        ).notification(content, now: Samples.now, ephemeral: .random())
    }

    @Test("The headers say how long, how urgent and what is replaced")
    func headers() throws {
        let request = try self.request(try Samples.content())
        #expect(request.url == Self.endpoint && request.headers["authorization"] == "vapid t=a, k=b")
        #expect(request.headers["content-encoding"] == "aes128gcm")
        #expect(request.headers["content-type"] == "application/notification+json")
        #expect(request.headers["ttl"] == "900" && request.headers["urgency"] == "high")
        let topic = try #require(request.headers["topic"])
        #expect(topic.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        #expect(try self.request(try Samples.content(priority: .passive)).headers["urgency"] == "normal")
        var other = try Samples.content()
        other.collapseID = "alert-43"
        #expect(try self.request(other).headers["topic"] != topic)
        #expect(try self.request(try Samples.content(), endpoint: Self.endpoint + "d").headers["topic"] != topic)
    }

    @Test("The document serves a declarative browser and the worker alike")
    func document() throws {
        let content = try Samples.content().reduced(to: .full)
        let document = try Samples.object(WebPushBuilder.document(content, form: .declarative))
        #expect(document["web_push"] as? Int == 8030 && document["mutable"] as? Bool == true)
        #expect(document["app_badge"] as? Int == 3)
        let notification = try Samples.object(document, "notification")
        #expect(notification["navigate"] as? String == content.link && notification["dir"] as? String == "auto")
        #expect(notification["tag"] as? String == "alert-42" && notification["timestamp"] as? Int == 1_795_435_200_000)
        let actions = try #require(notification["actions"] as? [[String: String]])
        // A button without a link of its own opens the notification's: declarative browsers demand one.
        #expect(actions.map { $0["navigate"] } == ["https://example.com/snooze", content.link])
        #expect(try Samples.object(notification, "data")["eid"] as? String == "alert-42-3")
        #expect(try Samples.object(WebPushBuilder.document(content, form: .plain))["web_push"] == nil)
    }

    @Test("A browser of the Beams SDK gets what its worker shows: the instance, and where a click leads")
    func beams() throws {
        var content = try Samples.content()
        content.link = "https://app.example/alerts/17"
        let document = try Samples.object(WebPushBuilder.beamsDocument(content, instance: "8f9a6e22"))
        let notification = try #require(document["notification"] as? [String: Any])
        #expect(notification["title"] as? String == content.title)
        #expect(notification["deep_link"] as? String == content.link)
        let data = try #require(document["data"] as? [String: Any])
        #expect(data["eid"] as? String == content.eventID)
        let pusher = try #require(data["pusher"] as? [String: Any])
        #expect(pusher["instanceId"] as? String == "8f9a6e22" && pusher["publishId"] as? String == content.eventID)
        #expect(pusher["hasDisplayableContent"] as? Bool == true && pusher["hasData"] as? Bool == true)
        #expect(document["web_push"] == nil)

        var subscription = try self.subscription()
        subscription.beamsInstance = "8f9a6e22"
        let request = try WebPushBuilder(
            subscription: subscription, authorization: PushSecret("vapid t=x, k=y"), topicKey: []
        ).notification(content, now: content.createdAt, ephemeral: .random())
        // Nothing that a declarative browser would show without the worker.
        #expect(request.headers["content-type"] == "application/octet-stream")
    }

    @Test("Without a link there is nothing declarative")
    func withoutLink() throws {
        var content = try Samples.content()
        content.link = nil
        #expect(try self.request(content).headers["content-type"] == "application/octet-stream")
    }

    @Test(
        "A message that waits is taken back at its own push service alone",
        arguments: [
            ("https://fcm.googleapis.com/m/1", true), ("https://fcm.googleapis.com:443/m/1", true),
            ("https://evil.example/m/1", false), ("http://fcm.googleapis.com/m/1", false), ("/m/1", false), ("", false),
        ])
    func cancellation(location: String, isOwn: Bool) throws {
        let builder = WebPushBuilder(
            subscription: try self.subscription(), authorization: PushSecret("vapid t=a,k=b"), topicKey: [])
        let request = builder.cancellation(location)
        #expect((request != nil) == isOwn)
        #expect(request.map { $0.method == "DELETE" && $0.url == location } ?? true)
    }

    @Test("A request shows neither its URL nor its headers")
    func hidden() throws {
        let request = try self.request(try Samples.content())
        var dumped = ""
        dump(request, to: &dumped)
        for text in ["\(request)", String(reflecting: request), dumped] {
            #expect(!text.contains("vapid") && !text.contains("googleapis"))
        }
    }

    @Test("Mozilla's endpoints get at most 2 KiB of text, because some are bridged")
    func mozilla() throws {
        var content = try Samples.content()
        content.body = String(repeating: "x", count: 3_000)
        #expect(try self.request(content).body.count > 3_000)
        let request = try self.request(content, endpoint: "https://updates.push.services.mozilla.com/wpush/v2/a")
        #expect(request.body.count == 2_048 + WebPushEncryption.overhead || request.body.count < 2_048)
        #expect(request.extent == .short)
    }

    @Test("A VAPID token is for the endpoint's origin, ends in twelve hours and verifies")
    func vapid() async throws {
        let key = VAPIDKey()
        let text = try await key.authorization(
            endpoint: "https://push.example.org:8443/a?b", subject: try VAPIDSubject("mailto:ops@example.com"),
            now: Samples.now)
        let match = try #require(text.wholeMatch(of: /vapid t=([^,]+),k=(.+)/))
        #expect(String(match.2) == key.publicKey)
        let parts = match.1.split(separator: ".").map(String.init)
        let claims = String(decoding: try #require(Base64URL.decode(parts[1])), as: UTF8.self)
        #expect(claims == #"{"aud":"https://push.example.org:8443","exp":1795478400,"sub":"mailto:ops@example.com"}"#)
        let publicKey = try P256.Signing.PublicKey(x963Representation: try #require(Base64URL.decode(key.publicKey)))
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: try #require(Base64URL.decode(parts[2])))
        #expect(publicKey.isValidSignature(signature, for: Data("\(parts[0]).\(parts[1])".utf8)))
    }

    @Test("A key reads back from PEM and from the 32 bytes that other tools write")
    func keyForms() throws {
        let key = VAPIDKey()
        #expect(try VAPIDKey(key.exposedPEM).publicKey == key.publicKey)
        let raw = try P256.Signing.PrivateKey(pemRepresentation: key.exposedPEM).rawRepresentation
        #expect(try VAPIDKey(" \(Base64URL.encode(raw))\n").publicKey == key.publicKey)
        #expect("\(key)" == "VAPIDKey(\(key.publicKey))")
        #expect(throws: PushError.self) { try VAPIDKey(P384.Signing.PrivateKey().pemRepresentation) }
        #expect(throws: PushError.self) { try VAPIDKey("AAAA") }
    }

    @Test(
        "A subject names somebody",
        arguments: [
            ("mailto:ops@example.com", true), ("https://example.com/contact", true), ("https://example.com", true),
            ("mailto: ops@example.com", false), ("ops@example.com", false), ("mailto:ops@localhost", false),
            ("mailto:ops@host.local", false), ("mailto:ops", false), ("mailto:@example.com", false),
            ("https://localhost/", false), ("https://127.0.0.1/", false), ("http://example.com", false), ("", false),
            ("mailto:a@b@example.com", false), ("mailto:ops@example.com?subject=x", false),
            ("mailto:ops@exämple.com", false),
        ])
    func subjects(text: String, isGood: Bool) {
        let subject = try? VAPIDSubject(text)
        #expect((subject != nil) == isGood)
    }

    private func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt = PushAttempt(now: Samples.now)) throws
        -> PushVerdict
    {
        PushTarget.webPush(try self.subscription()).verdict(outcome, attempt)
    }

    @Test("Every 2xx is success, with the place where the message can be deleted", arguments: [200, 201, 202, 204])
    func accepted(status: Int) throws {
        let outcome = Samples.answer(status, "", [NotificationHeader("Location", "https://a.example/m/1")])
        #expect(try self.verdict(outcome) == .delivered(id: "https://a.example/m/1"))
    }

    @Test("404 and 410 drop the subscription", arguments: [404, 410])
    func gone(status: Int) throws {
        #expect(
            try self.verdict(Samples.answer(status))
                == .dropTarget(unlessRegisteredAfter: nil, reason: "HTTP \(status)"))
    }

    @Test("A refused token is renewed once, then its key is suspended", arguments: [401, 403])
    func refused(status: Int) throws {
        #expect(try self.verdict(Samples.answer(status)) == .refreshCredential)
        let again = PushAttempt(now: Samples.now, hasRefreshedCredential: true)
        #expect(
            try self.verdict(Samples.answer(status, "BadJwtToken"), again)
                == .suspendCredential(reason: "HTTP \(status) BadJwtToken"))
    }

    @Test(
        "A subscription made with another key neither suspends the key nor empties the table",
        arguments: [
            (400, #"{"reason":"VapidPkHashMismatch"}"#), (401, #"{"errno":109,"message":"VAPID public key mismatch"}"#),
            (403, "the VAPID credentials do not correspond to the credentials used to create the subscriptions."),
        ])
    func otherKey(status: Int, body: String) throws {
        guard case .abandon(let reason) = try self.verdict(Samples.answer(status, body)) else {
            Issue.record("not abandoned")
            return
        }
        #expect(reason.contains("subscribe again"))
    }

    @Test("Other answers: ladder, wait, back off, end")
    func others() throws {
        #expect(try self.verdict(Samples.answer(413)) == .shrink)
        #expect(try self.verdict(Samples.answer(400, "bad topic")) == .abandon(reason: "HTTP 400 bad topic"))
        let date = [NotificationHeader("retry-after", "Mon, 23 Nov 2026 12:01:30 GMT")]
        #expect(try self.verdict(Samples.answer(429, "", date)) == .retry(after: .seconds(90)))
        #expect(try self.verdict(Samples.answer(429)) == .retry(after: .seconds(60)))
        #expect(try self.verdict(Samples.answer(503)) == .retry(after: nil))
    }
}
