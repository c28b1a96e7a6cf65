import Crypto
import Market

/// The headers of a Web Push request that the content decides.
///
/// Source: RFC 8030, section 5.
struct WebPushHeaders {
    /// Seconds.
    let timeToLive: String
    let urgency: String
    /// 32 hexadecimal digits.
    let topic: String

    /// The longest time to live, in seconds: 28 days.
    static let secondsToLiveMax: Int64 = 2_419_200

    init(_ content: PushContent, now: Timestamp, device: String, topicKey: [UInt8]) {
        self.timeToLive = String(min(content.remainingSeconds(at: now), Self.secondsToLiveMax))
        switch content.priority {
        // `normal`, because Safari may keep less urgent ones for long.
        case .passive: self.urgency = content.isSilent ? "low" : "normal"
        case .active, .urgent: self.urgency = "high"
        }
        // The push service sees the topic: a keyed digest tells it nothing, and no two devices' topics are alike.
        let digest = HMAC<SHA256>.authenticationCode(
            for: Array("\(device)\0\(content.collapseID)".utf8), using: SymmetricKey(data: topicKey))
        self.topic = digest.prefix(16).hexadecimal
    }
}
