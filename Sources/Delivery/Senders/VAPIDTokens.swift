import Market
import Notifications
import Synchronization

/// The authorization of this server at each push service, made anew an hour before it ends.
final class VAPIDTokens: Sendable {
    /// Origins in memory; past it all are made anew.
    private static let originsMax = 1_000
    private static let lifetime: Int64 = 11 * 3_600 * 1_000_000_000
    private let key: VAPIDKey
    private let subject: VAPIDSubject
    private let kept = Mutex<[String: (text: String, until: Timestamp)]>([:])

    init(key: VAPIDKey, subject: VAPIDSubject) {
        self.key = key
        self.subject = subject
    }

    /// The header `Authorization` for an endpoint; two who ask at once may make one each.
    func authorization(_ endpoint: String, now: Timestamp) async throws(PushError) -> String {
        let origin = try VAPIDKey.origin(endpoint)
        if let kept = self.kept.withLock({ $0[origin] }), now < kept.until { return kept.text }
        let text = try await self.key.authorization(endpoint: endpoint, subject: self.subject, now: now)
        self.kept.withLock { kept in
            if kept.count >= Self.originsMax { kept.removeAll() }
            kept[origin] = (text, now.advanced(byNanoseconds: Self.lifetime))
        }
        return text
    }
}
