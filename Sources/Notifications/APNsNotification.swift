public import Alerts
import Market

/// A request to APNs for one firing, without the device and the provider token: `POST /3/device/{token}`.
///
/// Source: Apple, "Sending notification requests to APNs" and "Generating a remote notification".
public struct APNsNotification: Hashable, Sendable {
    /// What a payload may have at most, in bytes.
    public static let payloadLimit = 4_096

    /// `apns-topic`, `apns-push-type`, `apns-priority`, `apns-expiration`, `apns-collapse-id`, `apns-id`.
    public let headers: [NotificationHeader]
    /// The JSON body.
    public let payload: [UInt8]

    /// Builds the request.
    ///
    /// - Parameters:
    ///   - fired: The firing.
    ///   - options: Topic, priority and validity.
    ///   - decimals: How many decimals the symbol's prices have; `nil` when that is not known.
    /// - Throws: ``NotificationError/tooLarge(service:bytes:limit:)`` when no form of it fits.
    public init(
        _ fired: FiredAlert, options: NotificationOptions, decimals: Int? = nil
    ) throws(NotificationError) {
        let details = AlertDetails(fired: fired, options: options, decimals: decimals)
        self.headers = Self.headers(details, withTopicAndID: true)
        self.payload = try details.fitting("APNs", limit: Self.payloadLimit) { extent in
            JSONWriter.object { writer in
                writer.object("aps") { Self.writeAPS(details, extent, to: &$0) }
                writer.strings(details.data(extent))
            }
        }
    }

    /// Headers and payload in one JSON object, as they are stored with the event.
    public var json: [UInt8] {
        JSONWriter.object { writer in
            writer.object("headers") { self.headers.write(to: &$0) }
            writer.json("payload", self.payload)
        }
    }

    static func headers(_ details: AlertDetails, withTopicAndID isComplete: Bool) -> [NotificationHeader] {
        var headers: [NotificationHeader] = []
        if isComplete { headers.append(NotificationHeader("apns-topic", details.options.topic)) }
        headers += [
            NotificationHeader("apns-push-type", "alert"),
            NotificationHeader("apns-priority", details.priority == .passive ? "5" : "10"),
            NotificationHeader("apns-expiration", String(details.expiresAt)),
            NotificationHeader("apns-collapse-id", details.collapseID),
        ]
        if isComplete { headers.append(NotificationHeader("apns-id", NameBasedUUID.string(details.eventID))) }
        return headers
    }

    static func writeAPS(_ details: AlertDetails, _ extent: AlertDetails.Extent, to writer: inout JSONWriter) {
        writer.object("alert") { writer in
            let texts = details.texts(extent)
            writer.string("title", texts.title)
            writer.string("body", texts.body)
        }
        if details.priority != .passive { writer.string("sound", "default") }
        writer.string("thread-id", details.fired.alert.symbol.name)
        writer.string("category", "PRICE_ALERT")
        switch details.priority {
        case .passive: writer.string("interruption-level", "passive")
        case .active: writer.string("interruption-level", "active")
        case .urgent: writer.string("interruption-level", "time-sensitive")
        }
    }
}
