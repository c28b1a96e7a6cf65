import FoundationEssentials
import JWTKit
public import Market

/// A Google service account: asks for the access tokens of a Firebase project.
///
/// Source: Google, "Using OAuth 2.0 for server to server applications"; RFC 7523.
public struct FCMServiceAccount: Sendable, CustomStringConvertible, CustomReflectable {
    /// The Firebase project that messages are sent in.
    public let projectID: String
    /// The account's address.
    public let clientEmail: String
    /// Where tokens are asked for, an https URL.
    public let tokenURL: String
    private let keyID: String
    private let key: Insecure.RSA.PrivateKey

    /// What messages are sent with.
    static let scope = "https://www.googleapis.com/auth/firebase.messaging"

    private struct File: Decodable {
        var type: String?
        var project_id: String?
        var private_key_id: String?
        var private_key: String?
        var client_email: String?
        var token_uri: String?
    }

    /// Reads the JSON file that the Firebase console makes.
    ///
    /// - Parameters:
    ///   - json: The file's bytes.
    ///   - tokenURL: Where tokens are asked for instead, such as a test server; also then `aud` is what the file says.
    /// - Throws: ``PushError/badCredential(service:part:reason:fix:)``, which never contains the key.
    public init(json: [UInt8], tokenURL: String? = nil) throws(PushError) {
        guard let file = try? JSONDecoder().decode(File.self, from: Data(json)) else {
            throw Self.bad("is not a JSON object")
        }
        guard file.type == "service_account" else {
            throw Self.bad("has the type '\(PushText.line(file.type ?? "none", 40))' in place of service_account")
        }
        guard let project = file.project_id, Self.isProject(project) else { throw Self.bad("lacks a project_id") }
        guard let email = file.client_email, email.contains("@") else { throw Self.bad("lacks a client_email") }
        guard let keyID = file.private_key_id, !keyID.isEmpty else { throw Self.bad("lacks a private_key_id") }
        let audience = file.token_uri ?? "https://oauth2.googleapis.com/token"
        guard let url = PushURL(audience), url.scheme == "https" else {
            throw Self.bad("has a token_uri that is not https")
        }
        do {
            self.key = try Insecure.RSA.PrivateKey(pem: file.private_key ?? "")
        } catch {
            throw Self.bad("has a private_key that is not an RSA key of at least 2048 bits in PEM form")
        }
        self.projectID = project
        self.clientEmail = email
        self.keyID = keyID
        self.audience = audience
        self.tokenURL = tokenURL ?? audience
    }

    private let audience: String

    /// The request for an access token: a signed assertion, valid for an hour.
    public func tokenRequest(now: Timestamp) async throws(PushError) -> PushRequest {
        let assertion: String
        do {
            let keys = await JWTKeyCollection().add(
                rsa: self.key, digestAlgorithm: .sha256, kid: JWKIdentifier(string: self.keyID),
                serializer: SignedToken.serializer)
            let claims = SignedToken.Claims(
                iss: self.clientEmail, aud: self.audience, scope: Self.scope, iat: now.unixSeconds,
                exp: now.unixSeconds + 3_600)
            assertion = try await SignedToken.sign(claims, keyID: self.keyID, using: keys)
        } catch {
            throw Self.bad("has a private_key that cannot sign (\(error))")
        }
        // Both values are made of characters that need no escaping in a form, but for the colons.
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
        return PushRequest(
            url: self.tokenURL, headers: [NotificationHeader("content-type", "application/x-www-form-urlencoded")],
            body: Array("grant_type=\(grant)&assertion=\(assertion)".utf8))
    }

    private static func isProject(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: ":"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private static func bad(_ reason: String) -> PushError {
        .badCredential(
            service: "FCM", part: "service account file", reason: reason,
            fix: "Make a new private key in the Firebase console under Project settings, Service accounts.")
    }

    /// The project and the account, without the key.
    public var description: String { "FCMServiceAccount(\(self.clientEmail), project: \(self.projectID))" }
    /// The project and the account, without the key.
    public var customMirror: Mirror {
        Mirror(self, children: ["projectID": self.projectID, "clientEmail": self.clientEmail])
    }
}

/// What the token endpoint's answer means.
public enum FCMTokenReply: Hashable, Sendable {
    /// An access token and how long it lives.
    case token(PushSecret, validFor: Duration)
    /// Later; `after` is what Google asked for.
    case retry(after: Duration?)
    /// The account, the key or the clock is wrong: no token until somebody looks.
    case refused(reason: String)

    private struct Grant: Decodable {
        var access_token: String?
        var expires_in: Double?
        var error: String?
        var error_description: String?
    }

    /// Reads an outcome of ``FCMServiceAccount/tokenRequest(now:)``.
    public init(_ outcome: PushOutcome, now: Timestamp) {
        guard case .answered(let response) = outcome else {
            self = .retry(after: nil)
            return
        }
        let grant = PushReply.decode(Grant.self, response)
        switch response.status {
        case 200...299:
            guard let text = grant?.access_token, Self.isToken(text) else {
                self = .refused(reason: "HTTP \(response.status) without an access_token")
                return
            }
            let seconds = grant?.expires_in ?? 3_600
            let life = seconds.isFinite ? Int64(min(max(seconds, 0), 86_400)) : 3_600
            self = .token(PushSecret(text), validFor: .seconds(life))
        case 408, 425, 429, 500...599:
            self = .retry(after: RetryAfter.wait(response, now: now))
        default:
            let words = [grant?.error, grant?.error_description].compactMap(\.self).joined(separator: ": ")
            self = .refused(reason: PushReply.reason(response.status, words))
        }
    }

    /// Whether `text` can stand in a header.
    private static func isToken(_ text: String) -> Bool {
        (1...8_192).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
