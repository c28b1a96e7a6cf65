import Beams
import Crypto
import Notifications
import Testing

@Suite("Webhooks of the Beams API")
struct BeamsWebhookTests {
    private static let body = Array(#"{"metadata":{"event_type":"v1.UserNotificationOpen"}}"#.utf8)

    private func headers(
        _ body: [UInt8] = Self.body, url: String = "https://example.com/hook"
    ) throws -> [NotificationHeader] {
        let standard = WebhookSigner(secrets: [try WebhookSecret(key: Array(repeating: 7, count: 32))])
        return BeamsWebhookSigner(secret: "secret", standard: standard).headers(
            body, to: url, requestID: "6ba7b810-9dad-41d1-80b4-00c04fd430c8", unixSeconds: 1_795_435_200)
    }

    @Test("An attempt's body is the documented one")
    func attempt() {
        let outcome = BeamsWebhookEvent.UsersOutcome(
            delivered: ["user-001"], withoutDevices: ["user-005"], failed: [])
        let body = BeamsWebhookEvent.attempt(publishID: "pubid-1", outcome: outcome)
            .body(instance: "i", eventID: "e", createdAt: "2019-03-11T10:42:16+0000")
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"custom_data":{},"metadata":{"created_at":"2019-03-11T10:42:16+0000","event_id":"e","event_type":"v1.PublishToUsersAttempt","product":"beams"},"payload":{"instance_id":"i","publish_id":"pubid-1","users_delivered_to_gateway":["user-001"],"users_gateway_failed":[],"users_no_devices":["user-005"]}}"#
        )
    }

    @Test(
        "What a user's device reports names the user",
        arguments: [
            (BeamsWebhookEvent.acknowledgement(publishID: "p", user: "ann"), "v1.UserNotificationAcknowledgement"),
            (.open(publishID: "p", user: "ann"), "v1.UserNotificationOpen"),
        ])
    func reports(event: BeamsWebhookEvent, type: String) throws {
        let body = try JSONValue(parsing: event.body(instance: "i", eventID: "e", createdAt: "t"))
        #expect(body["metadata"]?["event_type"]?.string == type)
        #expect(
            body["payload"]
                == .object(["instance_id": .string("i"), "publish_id": .string("p"), "user_id": .string("ann")]))
    }

    @Test("The older form of a publication's own webhook repeats the request")
    func own() throws {
        let request = Array(#"{"interests":["a"],"web":{"data":{}}}"#.utf8)
        let started = try JSONValue(parsing: try BeamsPublishHook.started(publishID: "p", request: request))
        #expect(started["status"]?.string == "STARTED")
        #expect(try started["requestBody"] == JSONValue(parsing: request))
        let count = BeamsPublishHook.Count(platform: "apns", sent: 486_546, failed: 5)
        let finished = try JSONValue(
            parsing: try BeamsPublishHook.finished(publishID: "p", request: request, counts: [count]))
        #expect(finished["status"]?.string == "FINISHED")
        #expect(
            finished["results"]?["apns"]
                == .object(["numSuccessfulPublishes": .integer(486_546), "numFailedPublishes": .integer(5)]))
    }

    @Test("The signature is the HMAC-SHA1 of the body in hexadecimal, in the header that Beams has")
    func signature() throws {
        let headers = try self.headers()
        // printf '%s' BODY | openssl dgst -sha1 -hmac secret
        #expect(headers["Webhook-Signature"] == "f98fbeba1b72c7955338a49b1fa9344eb37911ba")
        #expect(headers["Webhook-Event-Type"] == "v1.UserNotificationOpen")
        #expect(headers["Webhook-Request-ID-UUID"] == "6ba7b810-9dad-41d1-80b4-00c04fd430c8")
        #expect(try self.headers(Array(#"{"status":"STARTED"}"#.utf8))["Webhook-Event-Type"] == nil)
    }

    @Test("No two headers differ in nothing but capitals, so that the better signature hides none")
    func names() throws {
        let headers = try self.headers()
        #expect(Set(headers.map { $0.name.lowercased() }).count == headers.count)
        #expect(headers["svix-signature"]?.hasPrefix("v1,") == true)
        #expect(headers["svix-id"] == "msg_6ba7b810-9dad-41d1-80b4-00c04fd430c8")
        #expect(headers["svix-timestamp"] == "1795435200")
    }

    @Test("A receiver has an id of its own, a UUID that stays the same")
    func receiver() throws {
        let id = try #require(try self.headers()["Webhook-ID-UUID"])
        #expect(try self.headers()["Webhook-ID-UUID"] == id)
        #expect(try self.headers(url: "https://example.com/other")["Webhook-ID-UUID"] != id)
        #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }

    @Test(
        "A webhook's URL is checked when it is named",
        arguments: [
            ("https://example.com/hook", true), ("http://10.0.0.1:8080", true), ("https://ann:pw@example.com/", false),
            ("https:///x", false), ("ftp://example.com", false), ("https://example.com/a b", false), ("", false),
            ("https://example.com/a@b", true), ("https://example.com/" + String(repeating: "x", count: 2_048), false),
        ])
    func urls(url: String, isGood: Bool) {
        #expect(Publication.isWebhookURL(url) == isGood)
    }
}
