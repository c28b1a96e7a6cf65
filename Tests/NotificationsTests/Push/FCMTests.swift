import CryptoExtras
import Foundation
import Market
import Testing

@testable import Notifications

@Suite("FCM")
struct FCMTests {
    private static let recipient = FCMRecipient("token:abc")

    private func builder(_ recipient: FCMRecipient = Self.recipient) throws -> FCMBuilder {
        try FCMBuilder(recipient: recipient, projectID: "prices-1", accessToken: PushSecret("ya29"), topicKey: [1, 2])
    }

    @Test("A message names its device once and carries data of strings alone")
    func message() throws {
        let request = try self.builder().notification(try Samples.content(), now: Samples.now)
        #expect(request.url == "https://fcm.googleapis.com/v1/projects/prices-1/messages:send")
        #expect(request.headers["authorization"] == "Bearer ya29")
        let message = try Samples.object(Samples.object(request.body), "message")
        #expect(message["token"] as? String == "token:abc" && message["fid"] == nil)
        let data = try #require(message["data"] as? [String: String])
        #expect(data["eid"] == "alert-42-3" && data["sparkline"] == "0,50,100" && data["venue"] == "coinbase")
        let actions = try JSONSerialization.jsonObject(with: Data(try #require(data["actions"]).utf8))
        #expect((actions as? [[String: String]])?.count == 2)
        let android = try Samples.object(message, "android")
        #expect(android["collapseKey"] == nil && android["collapse_key"] == nil && android["ttl"] as? String == "900s")
        #expect(try Samples.object(android, "notification")["tag"] as? String == "alert-42")
        let payload = try Samples.object(message, "apns", "payload", "aps")
        #expect(payload["thread-id"] as? String == "BTC-USD")
        let headers = try Samples.object(message, "webpush", "headers")
        #expect(headers["TTL"] as? String == "900" && (headers["Topic"] as? String)?.count == 32)
    }

    @Test("A silent content is a data message")
    func silent() throws {
        var content = try Samples.content()
        content.isSilent = true
        let request = try self.builder(FCMRecipient("inst", kind: .installation)).notification(
            content, now: Samples.now, isDryRun: true)
        let body = try Samples.object(request.body)
        #expect(body["validateOnly"] as? Bool == true)
        let message = try Samples.object(body, "message")
        #expect(message["fid"] as? String == "inst" && message["notification"] == nil && message["webpush"] == nil)
        #expect(try Samples.object(message, "android")["priority"] as? String == "NORMAL")
        #expect(try Samples.object(message, "apns", "headers")["apns-push-type"] as? String == "background")
    }

    @Test(
        "The time to live is what is left, from none to four weeks",
        arguments: [(-5, "0s"), (60, "60s"), (9_999_999, "2419200s")])
    func timeToLive(seconds: Int64, expected: String) throws {
        var content = try Samples.content()
        content.expiresAt = Samples.now.advanced(by: .seconds(seconds))
        let request = try self.builder().notification(content, now: Samples.now)
        let android = try Samples.object(Samples.object(request.body), "message", "android")
        #expect(android["ttl"] as? String == expected)
    }

    /// Made once, because making one takes a while.
    private static let rsaKey = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048).pkcs8PEMRepresentation }

    private static func account(_ changes: [String: Any] = [:]) throws -> [UInt8] {
        var file: [String: Any] = [
            "type": "service_account", "project_id": "prices-1", "private_key_id": "kid1",
            "private_key": try Self.rsaKey.get(),
            "client_email": "push@prices-1.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
        ]
        for (name, value) in changes { file[name] = value }
        return Array(try JSONSerialization.data(withJSONObject: file))
    }

    @Test("The assertion is RS256 with the account, the scope, the audience and an hour")
    func assertion() async throws {
        let request = try await FCMServiceAccount(json: try Self.account()).tokenRequest(now: Samples.now)
        #expect(request.url == "https://oauth2.googleapis.com/token")
        #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
        let form = String(decoding: request.body, as: UTF8.self)
        let prefix = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        #expect(form.hasPrefix(prefix))
        let parts = form.dropFirst(prefix.count).split(separator: ".").map(String.init)
        let header = try Samples.object(try #require(Base64URL.decode(parts[0])))
        #expect(header["alg"] as? String == "RS256" && header["kid"] as? String == "kid1")
        let claims = try Samples.object(try #require(Base64URL.decode(parts[1])))
        #expect(claims["iss"] as? String == "push@prices-1.iam.gserviceaccount.com")
        #expect(claims["aud"] as? String == "https://oauth2.googleapis.com/token")
        #expect(claims["scope"] as? String == "https://www.googleapis.com/auth/firebase.messaging")
        #expect(claims["iat"] as? Int == 1_795_435_200 && claims["exp"] as? Int == 1_795_438_800)
    }

    @Test("A file that is no service account is refused with what is wrong, never with the key")
    func badAccounts() throws {
        for (changes, word) in [
            (["type": "authorized_user"] as [String: Any], "service_account"), (["project_id": "a/../b"], "project_id"),
            (["client_email": ""], "client_email"), (["private_key": "secret!"], "RSA"),
            (["token_uri": "http://a.example"], "https"), (["private_key_id": ""], "private_key_id"),
        ] {
            let json = try Self.account(changes)
            let error = #expect(throws: PushError.self) { try FCMServiceAccount(json: json) }
            #expect(error?.description.contains(word) == true)
            #expect(error?.description.contains("secret!") == false)
        }
        #expect(throws: PushError.self) { try FCMServiceAccount(json: Array("[".utf8)) }
    }

    @Test("The token endpoint's answers")
    func tokenReplies() {
        func reply(_ status: Int, _ body: String, _ headers: [NotificationHeader] = []) -> FCMTokenReply {
            FCMTokenReply(Samples.answer(status, body, headers), now: Samples.now)
        }
        #expect(
            reply(200, #"{"access_token":"ya29","expires_in":3599,"token_type":"Bearer"}"#)
                == .token(PushSecret("ya29"), validFor: .seconds(3_599)))
        #expect(
            reply(400, #"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#)
                == .refused(reason: "HTTP 400 invalid_grant: Invalid JWT Signature."))
        #expect(reply(503, "", [NotificationHeader("Retry-After", "7")]) == .retry(after: .seconds(7)))
        #expect(reply(200, #"{"access_token":"a\r\nb: c"}"#) == .refused(reason: "HTTP 200 without an access_token"))
        #expect(FCMTokenReply(.failed(.timedOut), now: Samples.now) == .retry(after: nil))
    }

    private static let fcmError = "type.googleapis.com/google.firebase.fcm.v1.FcmError"

    private func failure(_ status: Int, _ name: String, details: String = "", headers: [NotificationHeader] = [])
        -> PushOutcome
    {
        Samples.answer(
            status,
            #"{"error":{"code":\#(status),"message":"Requested entity was not found.","status":"\#(name)","details":[\#(details)]}}"#,
            headers)
    }

    private func detail(_ code: String) -> String { #"{"@type":"\#(Self.fcmError)","errorCode":"\#(code)"}"# }

    private func verdict(_ outcome: PushOutcome, _ attempt: PushAttempt = PushAttempt(now: Samples.now)) -> PushVerdict
    {
        PushTarget.fcm(Self.recipient).verdict(outcome, attempt)
    }

    @Test("200 is delivered under FCM's name")
    func delivered() {
        #expect(
            self.verdict(Samples.answer(200, #"{"name":"projects/p/messages/1"}"#))
                == .delivered(id: "projects/p/messages/1"))
    }

    @Test(
        "What the details say of the token drops it",
        arguments: [
            (404, "NOT_FOUND", "UNREGISTERED"), (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
            (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        ])
    func dropped(status: Int, name: String, code: String) {
        let outcome = self.failure(status, name, details: self.detail(code))
        #expect(self.verdict(outcome) == .dropTarget(unlessRegisteredAfter: nil, reason: "HTTP \(status) \(code)"))
    }

    @Test("The same message text without the detail drops nothing: a wrong project says it too")
    func notByText() {
        #expect(self.verdict(self.failure(404, "NOT_FOUND")) == .abandon(reason: "HTTP 404 NOT_FOUND"))
    }

    @Test("Violations of fields are our mistake, unless the field is the token")
    func violations() {
        func violation(_ field: String) -> String {
            #"{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"\#(field)","description":"x"}]}"#
        }
        let code = self.detail("INVALID_ARGUMENT")
        #expect(
            self.verdict(self.failure(400, "INVALID_ARGUMENT", details: "\(violation("message.data")),\(code)"))
                == .abandon(reason: "HTTP 400 INVALID_ARGUMENT: message.data"))
        #expect(
            self.verdict(self.failure(400, "INVALID_ARGUMENT", details: "\(code),\(violation("message.token"))"))
                == .dropTarget(unlessRegisteredAfter: nil, reason: "HTTP 400 INVALID_ARGUMENT"))
    }

    @Test("An access token is renewed once, then the credential is suspended")
    func unauthenticated() {
        let outcome = self.failure(401, "UNAUTHENTICATED")
        #expect(self.verdict(outcome) == .refreshCredential)
        let again = PushAttempt(now: Samples.now, hasRefreshedCredential: true)
        #expect(self.verdict(outcome, again) == .suspendCredential(reason: "HTTP 401 UNAUTHENTICATED"))
    }

    @Test("A missing APNs key in Firebase suspends, and says so")
    func thirdParty() {
        let apple =
            #"{"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":403,"reason":"InvalidProviderToken"}"#
        let outcome = self.failure(401, "UNAUTHENTICATED", details: "\(self.detail("THIRD_PARTY_AUTH_ERROR")),\(apple)")
        guard case .suspendCredential(let reason) = self.verdict(outcome) else {
            Issue.record("not suspended")
            return
        }
        #expect(reason.contains("InvalidProviderToken") && reason.contains("Firebase"))
    }

    @Test("What Apple finds too large goes down the ladder")
    func appleTooLarge() {
        let apple =
            #"{"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":413,"reason":"PayloadTooLarge"}"#
        let outcome = self.failure(400, "INVALID_ARGUMENT", details: "\(self.detail("INVALID_ARGUMENT")),\(apple)")
        #expect(self.verdict(outcome) == .shrink)
    }

    @Test("Waits: the header, else what the details say, else a minute for quotas and ten seconds for trouble")
    func waits() {
        let header = [NotificationHeader("Retry-After", "42")]
        let quota = self.detail("QUOTA_EXCEEDED")
        let info = #"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"33.5s"}"#
        #expect(
            self.verdict(self.failure(429, "RESOURCE_EXHAUSTED", details: quota, headers: header))
                == .retry(after: .seconds(42)))
        #expect(
            self.verdict(self.failure(429, "RESOURCE_EXHAUSTED", details: "\(quota),\(info)"))
                == .retry(after: .milliseconds(33_500)))
        #expect(self.verdict(self.failure(429, "RESOURCE_EXHAUSTED", details: quota)) == .retry(after: .seconds(60)))
        #expect(
            self.verdict(self.failure(503, "UNAVAILABLE", details: self.detail("UNAVAILABLE")))
                == .retry(after: .seconds(10)))
        #expect(self.verdict(self.failure(500, "INTERNAL", headers: header)) == .retry(after: .seconds(42)))
        #expect(self.verdict(Samples.answer(502, "<html>")) == .retry(after: .seconds(10)))
    }

    @Test("A project without the right suspends")
    func denied() {
        #expect(
            self.verdict(self.failure(403, "PERMISSION_DENIED"))
                == .suspendCredential(reason: "HTTP 403 PERMISSION_DENIED"))
    }
}
