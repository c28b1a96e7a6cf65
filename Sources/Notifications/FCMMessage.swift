public import Alerts
public import Market

/// The body of `POST /v1/projects/{project}/messages:send` for one firing.
///
/// Source: Firebase Cloud Messaging HTTP v1, resource `projects.messages`.
public struct FCMMessage: Hashable, Sendable {
    /// What a message may have at most, in bytes; the whole body is held to it.
    public static let limit = 4_096

    /// The JSON body.
    public let json: [UInt8]

    /// Builds the body.
    ///
    /// - Parameters:
    ///   - fired: The firing.
    ///   - options: Priority, link and validity.
    ///   - decimals: How many decimals the symbol's prices have; `nil` when that is not known.
    ///   - token: The device's registration token; without it the message has no target yet, as it is stored.
    ///   - now: The time of sending: `ttl` is what is left of the validity.
    /// - Throws: ``NotificationError/tooLarge(service:bytes:limit:)`` when no form of it fits.
    public init(
        _ fired: FiredAlert, options: NotificationOptions, decimals: Int? = nil, token: String? = nil, now: Timestamp
    ) throws(NotificationError) {
        let details = AlertDetails(fired: fired, options: options, decimals: decimals)
        self.json = try details.fitting("FCM", limit: Self.limit) { extent in
            JSONWriter.object { writer in
                writer.object("message") { writer in
                    writer.string("token", ifPresent: token)
                    writer.object("data") { $0.strings(details.data(extent)) }
                    writer.object("notification") { writer in
                        writer.string("title", details.texts(extent).title)
                        writer.string("body", details.texts(extent).body)
                    }
                    writer.object("android") { Self.writeAndroid(details, now: now, to: &$0) }
                    writer.object("apns") { writer in
                        writer.object("headers") {
                            APNsNotification.headers(details, withTopicAndID: false).write(to: &$0)
                        }
                        writer.object("payload") { writer in
                            writer.object("aps") { APNsNotification.writeAPS(details, extent, to: &$0) }
                        }
                    }
                    writer.object("webpush") { Self.writeWebPush(details, extent, now: now, to: &$0) }
                }
            }
        }
    }

    /// No `collapse_key`.
    ///
    /// FCM throttles collapsible messages per device. The `tag` replaces what is shown.
    private static func writeAndroid(_ details: AlertDetails, now: Timestamp, to writer: inout JSONWriter) {
        writer.string("priority", details.priority == .passive ? "NORMAL" : "HIGH")
        writer.string("ttl", "\(details.remainingSeconds(now))s")
        writer.object("notification") { writer in
            writer.string("tag", details.collapseID)
            writer.string("channel_id", "price-alerts")
            writer.string("event_time", details.fired.cause.eventTime.description)
        }
    }

    private static func writeWebPush(
        _ details: AlertDetails, _ extent: AlertDetails.Extent, now: Timestamp, to writer: inout JSONWriter
    ) {
        writer.object("headers") { WebPushMessage.headers(details, now: now).write(to: &$0) }
        writer.object("notification") { writer in
            writer.string("title", details.texts(extent).title)
            writer.string("body", details.texts(extent).body)
            writer.string("tag", details.collapseID)
            writer.integer("timestamp", details.eventMilliseconds)
        }
        // FCM takes https links only.
        if extent != .minimal, details.link.hasPrefix("https://") {
            writer.object("fcm_options") { $0.string("link", details.link) }
        }
    }
}
