import Beams
import Market
import Notifications

/// A publication as the contents that the outbox takes, one a platform.
struct BeamsContents {
    /// By the platform's name.
    let byPlatform: [String: PushContent]

    /// Four weeks, as long as services keep what has no end of its own.
    private static let secondsMax: Int64 = 2_419_200

    init(_ publication: Publication, publishID: String, instance: String, now: Timestamp) {
        var contents: [String: PushContent] = [:]
        func content(_ payload: [UInt8], collapseID: String?, seconds: Int64) -> PushContent {
            var content = PushContent(
                eventID: publishID, title: "", body: "", threadID: publishID, collapseID: collapseID ?? publishID,
                createdAt: now,
                expiresAt: now.advanced(byNanoseconds: min(max(seconds, 0), Self.secondsMax) * 1_000_000_000))
            content.finishedPayload = payload
            return content
        }
        if let web = publication.web {
            contents["web"] = content(
                web.bytes(publishID: publishID, instance: instance), collapseID: nil, seconds: web.timeToLive)
        }
        if let fcm = publication.fcm {
            contents["fcm"] = content(
                fcm.bytes(publishID: publishID, instance: instance), collapseID: fcm.collapseKey,
                seconds: fcm.timeToLive ?? Self.secondsMax)
        }
        if let apns = publication.apns {
            var made = content(
                apns.bytes(publishID: publishID, instance: instance), collapseID: apns.collapseID,
                seconds: apns.expiration.map { $0 - now.microseconds / 1_000_000 } ?? Self.secondsMax)
            made.isSilent = apns.isBackground
            if apns.priority < 10 { made.priority = .passive }
            contents["apns"] = made
        }
        self.byPlatform = contents
    }
}
