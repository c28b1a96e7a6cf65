/// A webhook on its way: POST with `Content-Type: application/json`, exactly so, because receivers compare it.
public struct WebhookRequest: Sendable, Equatable {
    /// Where it goes.
    public let url: String
    /// The value of `X-Pusher-Key`.
    public let key: String
    /// The value of `X-Pusher-Signature`.
    public let signature: String
    /// The body that is signed.
    public let body: [UInt8]

    /// Signs `body` with the app's oldest key, the one that its server knows for sure while keys are changed.
    public init(url: String, body: [UInt8], app: App) {
        let pair = app.signingCredentials
        self.url = url
        self.key = pair.key
        self.signature = String(decoding: HexDigest.hmac(body, key: pair.signingKey), as: UTF8.self)
        self.body = body
    }
}
