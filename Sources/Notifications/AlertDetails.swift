import Alerts
import Crypto
import Market

/// A firing as text: the parts every payload is built from.
struct AlertDetails {
    /// How much of a firing goes into a payload: each step is one rung of the ladder for payloads that are too large.
    enum Extent: CaseIterable {
        case full, withoutExtras, minimal
    }

    let fired: FiredAlert
    let options: NotificationOptions

    /// The id of the event, the same on every path, for clients that hear of it twice.
    var eventID: String { "alert-\(self.fired.alert.id)-\(self.fired.crossing)" }
    /// What a newer notification of the same alert replaces.
    var collapseID: String { "alert-\(self.fired.alert.id)" }

    /// Whether the price is now above or below the threshold.
    var direction: String {
        guard let price = self.fired.cause.price, let threshold = self.fired.alert.expression.condition.threshold else {
            return "neither"
        }
        return price > threshold ? "above" : "below"
    }

    var title: String {
        let condition = self.fired.alert.expression.condition
        switch condition {
        case .level(_, let threshold): return "\(self.fired.alert.symbol) is \(self.direction) \(threshold)"
        case .crossing(_, let threshold): return "\(self.fired.alert.symbol) crossed \(self.direction) \(threshold)"
        default: return "\(self.fired.alert.symbol) \(condition)"
        }
    }

    var body: String {
        let cause = self.fired.cause
        let before = self.fired.previousPrice.map { ", before \($0)" } ?? ""
        let time = cause.eventTime.description.dropFirst(11).prefix(8)
        let price = cause.price?.description ?? "no price"
        return "\(price) on \(cause.venue?.name ?? "no venue") at \(time) UTC\(before)"
    }

    /// The venue's id of the trade.
    ///
    /// PostgreSQL's JSON cannot hold a zero byte.
    private var tradeID: String? { self.fired.cause.tradeID?.replacing("\0", with: "\u{FFFD}") }

    /// The page that shows the symbol.
    var link: String {
        "\(self.options.link)\(self.options.link.contains("?") ? "&" : "?")symbol=\(self.fired.alert.symbol)"
    }

    /// Unix seconds after which the notification is worthless.
    var expiresAt: Int64 { Self.seconds(self.fired.firedAt) + self.options.validitySeconds }

    /// The seconds of validity that are left at `now`, never negative.
    func remainingSeconds(_ now: Timestamp) -> Int64 {
        min(max(self.expiresAt - Self.seconds(now), 0), self.options.validitySeconds)
    }

    /// Milliseconds since the Unix epoch of the trade.
    var eventMilliseconds: Int64 { self.fired.cause.eventTime.nanoseconds / 1_000_000 }

    /// Custom data for an app, as names and strings, in a fixed order.
    func data(_ extent: Extent) -> [(name: String, value: String)] {
        let alert = self.fired.alert
        let cause = self.fired.cause
        var pairs: [(name: String, value: String)] = [
            ("eid", self.eventID), ("alert", String(alert.id)), ("symbol", alert.symbol.name),
            ("price", cause.price?.description ?? ""),
        ]
        if extent == .minimal { return pairs }
        pairs += [
            ("venue", cause.venue?.name ?? ""), ("condition", alert.expression.condition.description),
            ("threshold", alert.expression.condition.threshold?.description ?? ""), ("direction", self.direction),
            ("crossing", String(self.fired.crossing)), ("eventTime", cause.eventTime.description),
            ("firedAt", self.fired.firedAt.description),
        ]
        if extent == .withoutExtras { return pairs }
        if let previous = self.fired.previousPrice { pairs.append(("previousPrice", previous.description)) }
        if let size = cause.size { pairs.append(("size", size.description)) }
        if let id = self.tradeID { pairs.append(("tradeId", id)) }
        pairs.append(("link", self.link))
        return pairs
    }

    /// Everything about the firing, as the webhook and the realtime channel carry it.
    func write(to writer: inout JSONWriter) {
        let alert = self.fired.alert
        let cause = self.fired.cause
        writer.string("id", self.eventID)
        writer.integer("alert", alert.id)
        writer.integer("crossing", self.fired.crossing)
        writer.string("user", alert.user)
        writer.string("symbol", alert.symbol.name)
        writer.string("venue", ifPresent: cause.venue?.name)
        writer.string("condition", alert.expression.description)
        writer.string("threshold", ifPresent: alert.expression.condition.threshold?.description)
        writer.string("direction", self.direction)
        writer.string("price", ifPresent: cause.price?.description)
        writer.string("previousPrice", ifPresent: self.fired.previousPrice?.description)
        writer.string("size", ifPresent: cause.size?.description)
        writer.string("side", ifPresent: cause.side == .unknown ? nil : cause.side.name)
        writer.string("tradeId", ifPresent: self.tradeID)
        writer.string("title", self.title)
        writer.string("body", self.body)
        writer.string("eventTime", cause.eventTime.description)
        writer.string("receivedTime", cause.receivedTime.description)
        writer.string("firedAt", self.fired.firedAt.description)
    }

    /// The first form that `limit` allows.
    func fitting(
        _ service: String, limit: Int, _ build: (Extent) -> [UInt8]
    ) throws(NotificationError) -> [UInt8] {
        var bytes: [UInt8] = []
        for extent in Extent.allCases {
            bytes = build(extent)
            if bytes.count <= limit { return bytes }
        }
        throw .tooLarge(service: service, bytes: bytes.count, limit: limit)
    }

    static func seconds(_ time: Timestamp) -> Int64 { time.microseconds / 1_000_000 }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// Name-based ids: RFC 9562, section 5.5.
enum NameBasedUUID {
    /// The namespace of Tickwire's event ids, a random UUID chosen once.
    private static let namespace: [UInt8] = [
        0x8b, 0x1f, 0x5e, 0x0c, 0x3a, 0x47, 0x4d, 0x92, 0x9e, 0x61, 0x2c, 0x70, 0xd4, 0x55, 0x1a, 0xe3,
    ]

    /// The version 5 UUID of `name` in lower case.
    static func string(_ name: String) -> String {
        var bytes = Array(Insecure.SHA1.hash(data: self.namespace + Array(name.utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hexadecimal = Array(AlertDetails.hexadecimal(bytes).utf8)
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(decoding: hexadecimal[$0], as: UTF8.self) }.joined(separator: "-")
    }
}
