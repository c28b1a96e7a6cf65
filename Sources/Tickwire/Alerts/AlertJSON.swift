public import Alerts
import Channels
public import Market
public import Store

/// Alerts and their events as JSON, the same on the command line and over HTTP.
public enum AlertJSON {
    /// One alert as an object.
    ///
    /// - Parameters:
    ///   - alert: The alert.
    ///   - now: The time it is, for its state.
    ///   - distance: How far it is from firing; `nil` leaves that out.
    ///   - webhookSecret: What its webhooks are signed with; `nil` leaves that out.
    /// - Returns: JSON without line breaks.
    public static func object(
        _ alert: Alert, now: Timestamp, distance: AlertDistance? = nil, webhookSecret: String? = nil
    ) -> String {
        let options = alert.expression.options
        var members = [
            "\"id\":\(alert.id)", "\"symbol\":\"\(alert.symbol)\"",
            Self.text("condition", alert.expression.description),
            "\"kind\":\"\(alert.expression.condition.kind)\"", Self.text("user", alert.user),
            "\"state\":\"\(alert.standing(at: now))\"", "\"armed\":\(alert.state.isArmed)",
            "\"fired\":\(alert.state.crossingCount)", "\"priority\":\"\(options.priority)\"",
        ]
        if let venue = alert.venue { members.append("\"venue\":\"\(venue)\"") }
        if let time = alert.state.lastFiredAt { members.append("\"lastFiredAt\":\"\(time)\"") }
        if let price = alert.state.lastPrice { members.append("\"lastPrice\":\"\(price)\"") }
        if let time = alert.snoozedUntil { members.append("\"snoozedUntil\":\"\(time)\"") }
        if let time = options.until { members.append("\"until\":\"\(time)\"") }
        if let webhook = alert.webhookURL { members.append(Self.text("webhook", webhook)) }
        if let title = alert.template?.title { members.append(Self.text("title", title)) }
        if let body = alert.template?.body { members.append(Self.text("body", body)) }
        if let locale = alert.locale { members.append(Self.text("locale", locale)) }
        if let distance {
            var parts = [Self.text("text", distance.text)]
            if let price = distance.price { parts.append("\"price\":\"\(price)\"") }
            if let missing = distance.missing { parts.append("\"missing\":\"\(missing)\"") }
            members.append("\"distance\":{\(parts.joined(separator: ","))}")
        }
        if !alert.state.evaluations.isEmpty {
            members.append("\"evaluations\":[\(alert.state.evaluations.map(Self.object).joined(separator: ","))]")
        }
        if let webhookSecret { members.append(Self.text("webhookSecret", webhookSecret)) }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// One stored firing as an object.
    public static func object(_ event: AlertEventRecord) -> String {
        var members = [
            "\"id\":\"alert-\(event.alertID)-\(event.crossing)\"", "\"alert\":\(event.alertID)",
            "\"crossing\":\(event.crossing)", Self.text("condition", event.expression),
            "\"firedAt\":\"\(event.firedAt)\"",
        ]
        members += Self.members(event.cause, event.previousPrice, event.measurement, event.lateness)
        members.append("\"storm\":\(event.isStorm)")
        return "{" + members.joined(separator: ",") + "}"
    }

    /// One firing that was not stored, of a backtest, as an object.
    public static func object(_ fired: FiredAlert) -> String {
        var members = ["\"crossing\":\(fired.crossing)", "\"firedAt\":\"\(fired.firedAt)\""]
        members += Self.members(fired.cause, fired.previousPrice, fired.measurement, fired.lateness)
        members.append("\"storm\":\(fired.isStorm)")
        return "{" + members.joined(separator: ",") + "}"
    }

    /// What became of one time the condition was true, as an object.
    public static func object(_ evaluation: AlertEvaluation) -> String {
        let price = evaluation.price.map { ",\"price\":\"\($0)\"" } ?? ""
        return "{\"time\":\"\(evaluation.time)\"\(price),\"outcome\":\"\(evaluation.outcome)\"}"
    }

    private static func members(
        _ cause: FiredAlert.Cause, _ previous: Decimal64?, _ measurement: AlertMeasurement?, _ lateness: AlertLateness?
    ) -> [String] {
        var members: [String] = []
        if let venue = cause.venue { members.append("\"venue\":\"\(venue)\"") }
        if let price = cause.price { members.append("\"price\":\"\(price)\"") }
        if let previous { members.append("\"previousPrice\":\"\(previous)\"") }
        if let size = cause.size { members.append("\"size\":\"\(size)\"") }
        if cause.side != .unknown { members.append("\"side\":\"\(cause.side.name)\"") }
        if let id = cause.tradeID { members.append(Self.text("tradeId", id)) }
        if let amount = measurement?.amount { members.append("\"measured\":\"\(amount)\"") }
        if let reference = measurement?.reference { members.append("\"reference\":\"\(reference)\"") }
        if let time = measurement?.referenceTime { members.append("\"referenceTime\":\"\(time)\"") }
        members.append("\"eventTime\":\"\(cause.eventTime)\"")
        members.append("\"receivedTime\":\"\(cause.receivedTime)\"")
        if let lateness {
            members.append("\"late\":{\"reason\":\"\(lateness.reason)\",\"since\":\"\(lateness.since)\"}")
        }
        return members
    }

    static func text(_ name: StaticString, _ value: String) -> String { "\"\(name)\":\(JSONText.quoted(value))" }
}
