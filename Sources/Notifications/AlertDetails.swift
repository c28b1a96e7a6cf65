import Alerts
import Market

/// A firing as text: the parts every payload is built from.
struct AlertDetails {
    /// How much of a firing goes into a payload: each step is one rung of the ladder for payloads that are too large.
    enum Extent: CaseIterable {
        case full, withoutExtras, minimal
    }

    let fired: FiredAlert
    let options: NotificationOptions
    private let text: AlertText

    /// Gathers what payloads say of a firing.
    ///
    /// - Parameters:
    ///   - fired: The firing.
    ///   - options: The settings.
    ///   - decimals: How many decimals the symbol's prices have; `nil` when that is not known.
    init(fired: FiredAlert, options: NotificationOptions, decimals: Int? = nil) {
        self.fired = fired
        self.options = options
        let locale = fired.alert.locale ?? options.locale
        self.text = AlertText(fired, format: PriceFormat(decimals: decimals, locale: locale))
    }

    /// The id of the event, the same on every path, for clients that hear of it twice.
    var eventID: String { "alert-\(self.fired.alert.id)-\(self.fired.crossing)" }
    /// What a newer notification of the same alert replaces.
    var collapseID: String { "alert-\(self.fired.alert.id)" }

    /// Where the price is, or where it went: `above`, `below`, `inside`, `up`, `down` or `neither`.
    var direction: String { self.text.direction }

    var title: String { self.text.title }

    var body: String { self.text.body }

    /// The alert's own priority; where it names none, that of the settings.
    var priority: NotificationPriority {
        switch self.fired.alert.expression.options.priority {
        case .passive: .passive
        case .active: self.options.priority
        case .urgent: .urgent
        }
    }

    /// The texts as long as `extent` has room for.
    func texts(_ extent: Extent) -> (title: String, body: String) {
        guard extent == .minimal else { return (self.title, self.body) }
        return (AlertText.cut(self.title, 120), AlertText.cut(self.body, 400))
    }

    /// What was measured, exactly, and its unit.
    private var value: (text: String, unit: String)? {
        let isVolume = if case .volume = self.fired.alert.expression.condition { true } else { false }
        switch self.fired.measurement?.amount {
        case .absolute(let value): return (value.description, isVolume ? "volume" : "price")
        case .percent(let value): return (value.description, "percent")
        case .multiple(let value): return (value.description, "multiple")
        case nil: break
        }
        if case .silence(let duration) = self.fired.alert.expression.condition {
            return (String(duration.components.seconds), "seconds")
        }
        return self.fired.cause.price.map { ($0.description, "price") }
    }

    /// The venue's id of the trade.
    ///
    /// PostgreSQL's JSON cannot hold a zero byte.
    private var tradeID: String? { self.fired.cause.tradeID?.withoutNUL }

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
            ("kind", alert.expression.condition.kind), ("price", cause.price?.description ?? ""),
        ]
        if extent == .minimal { return pairs }
        pairs += [
            ("venue", cause.venue?.name ?? ""), ("condition", alert.expression.condition.description),
            ("threshold", alert.expression.condition.threshold?.description ?? ""), ("direction", self.direction),
            ("crossing", String(self.fired.crossing)), ("eventTime", cause.eventTime.description),
            ("firedAt", self.fired.firedAt.description),
        ]
        if let lateness = self.fired.lateness { pairs.append(("late", lateness.reason.rawValue)) }
        if self.fired.isStorm { pairs.append(("storm", "true")) }
        if extent == .withoutExtras { return pairs }
        if let value = self.value { pairs += [("value", value.text), ("unit", value.unit)] }
        if let reference = self.fired.measurement?.reference { pairs.append(("reference", reference.description)) }
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
        writer.string("kind", alert.expression.condition.kind)
        writer.string("condition", alert.expression.description)
        writer.string("threshold", ifPresent: alert.expression.condition.threshold?.description)
        writer.string("direction", self.direction)
        writer.string("value", ifPresent: self.value?.text)
        writer.string("unit", ifPresent: self.value?.unit)
        writer.string("reference", ifPresent: self.fired.measurement?.reference?.description)
        writer.string("referenceTime", ifPresent: self.fired.measurement?.referenceTime?.description)
        writer.string("price", ifPresent: cause.price?.description)
        writer.string("previousPrice", ifPresent: self.fired.previousPrice?.description)
        writer.string("size", ifPresent: cause.size?.description)
        writer.string("side", ifPresent: cause.side == .unknown ? nil : cause.side.name)
        writer.string("tradeId", ifPresent: self.tradeID)
        if let lateness = self.fired.lateness {
            writer.object("late") { writer in
                writer.string("reason", lateness.reason.rawValue)
                writer.string("since", lateness.since.description)
            }
        }
        writer.boolean("storm", self.fired.isStorm)
        writer.string("priority", self.priority.rawValue)
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
}
