import Notifications
import Testing

@Suite("Webhook signatures")
struct WebhookSignerTests {
    @Test("The signature is that of the Standard Webhooks reference vector")
    func referenceVector() throws {
        let signer = WebhookSigner(secrets: [try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")])
        let headers = signer.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", unixSeconds: 1_614_265_330, body: Array("{\"test\": 2432232314}".utf8))
        #expect(headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek")
        #expect(headers["webhook-timestamp"] == "1614265330")
        #expect(headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(headers["content-type"] == "application/json")
    }

    @Test("While secrets are rotated there is one signature for each, apart by a blank")
    func rotation() throws {
        let secrets = [try WebhookSecret(key: Array(0..<24)), try WebhookSecret(key: Array(1..<33))]
        let both = WebhookSigner(secrets: secrets).headers(id: "a", unixSeconds: 1, body: [])["webhook-signature"]
        let each = secrets.map {
            WebhookSigner(secrets: [$0]).headers(id: "a", unixSeconds: 1, body: [])["webhook-signature"]
        }
        #expect(both == each.compactMap(\.self).joined(separator: " "))
        #expect(each[0] != each[1])
    }

    @Test("A secret reads back and never prints itself")
    func secretText() throws {
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect(secret.exposed == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect("\(secret)" == "whsec_…")
    }

    @Test(
        "A bad secret is refused without being repeated",
        arguments: [("MfKQ9r8GKYqr", "begin"), ("whsec_***", "Base64"), ("whsec_AAAA", "holds 3 bytes")])
    func badSecrets(text: String, reason: String) {
        let error = #expect(throws: NotificationError.self) { try WebhookSecret(text) }
        #expect(error?.description.contains(reason) == true)
        #expect(error?.description.contains(text.dropFirst(6)) == false)
    }
}
