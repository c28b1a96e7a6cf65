public import Alerts
import Crypto
public import Market

/// A Web Push message for one firing, before it is encrypted for a subscription.
///
/// The document is a Declarative Web Push message, shown by Safari without a worker, and the same object is what our
/// service worker reads elsewhere. Sources: RFC 8030; W3C Push API, section "Declarative push messages".
public struct WebPushMessage: Hashable, Sendable {
    /// What a document may have at most, in bytes: Mozilla's endpoints for mobile devices take no more than about 2700.
    public static let limit = 2_500

    /// `TTL`, `Urgency` and `Topic`; those of the encryption are added with it.
    public let headers: [NotificationHeader]
    /// The JSON document, the plaintext of the message.
    public let document: [UInt8]

    /// Builds the message.
    ///
    /// - Parameters:
    ///   - fired: The firing.
    ///   - options: Link, priority, validity and topic key.
    ///   - decimals: How many decimals the symbol's prices have; `nil` when that is not known.
    ///   - now: The time of sending: `TTL` is what is left of the validity.
    /// - Throws: ``NotificationError/tooLarge(service:bytes:limit:)`` when no form of it fits.
    public init(
        _ fired: FiredAlert, options: NotificationOptions, decimals: Int? = nil, now: Timestamp
    ) throws(NotificationError) {
        let details = AlertDetails(fired: fired, options: options, decimals: decimals)
        self.headers = Self.headers(details, now: now)
        self.document = try details.fitting("Web Push", limit: Self.limit) { extent in
            JSONWriter.object { writer in
                writer.integer("web_push", 8030)
                writer.object("notification") { writer in
                    writer.string("title", details.texts(extent).title)
                    writer.string("body", details.texts(extent).body)
                    writer.string("navigate", details.link)
                    writer.string("lang", "en")
                    writer.string("dir", "ltr")
                    writer.string("tag", details.collapseID)
                    writer.boolean("renotify", true)
                    writer.boolean("silent", details.priority == .passive)
                    writer.boolean("require_interaction", details.priority == .urgent)
                    writer.integer("timestamp", details.eventMilliseconds)
                    // `navigate` holds the link already.
                    let data = details.data(extent).filter { $0.name != "link" }
                    writer.object("data") { $0.strings(data) }
                }
                writer.boolean("mutable", true)
            }
        }
    }

    /// Headers and document in one JSON object, as they are stored with the event.
    public var json: [UInt8] {
        JSONWriter.object { writer in
            writer.object("headers") { self.headers.write(to: &$0) }
            writer.json("payload", self.document)
        }
    }

    static func headers(_ details: AlertDetails, now: Timestamp) -> [NotificationHeader] {
        // The push service sees the topic: 32 characters of a keyed digest tell it nothing (RFC 8030, section 5.4).
        let digest = HMAC<SHA256>.authenticationCode(
            for: Array(details.collapseID.utf8), using: SymmetricKey(data: details.options.topicKey))
        return [
            NotificationHeader("TTL", String(details.remainingSeconds(now))),
            NotificationHeader("Urgency", details.priority == .passive ? "normal" : "high"),
            NotificationHeader("Topic", digest.prefix(16).hexadecimal),
        ]
    }
}
