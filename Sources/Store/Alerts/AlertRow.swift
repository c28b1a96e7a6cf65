import Alerts
import FoundationEssentials
import Market
import Postgres

/// A row of `alerts`, read back.
enum AlertRow {
    /// Alerts that were not removed; conditions follow with AND.
    static let selection = """
        SELECT alerts.id, alerts.owner, symbols.name, venues.name, alerts.expression, alerts.webhook_url,
               alerts.template_title, alerts.template_body, alerts.locale, alerts.pause, alerts.snoozed_until,
               alerts.revision, alerts.is_armed, alerts.last_price, alerts.last_fired_at, alerts.last_fired_price,
               alerts.crossing_count, alerts.confirming, alerts.recent_firings, alerts.evaluations, alerts.changed_at,
               alerts.came_from
        FROM alerts
        JOIN symbols ON symbols.id = alerts.symbol_id
        LEFT JOIN venues ON venues.id = alerts.venue_id
        WHERE alerts.removed_at IS NULL
        """

    static func alert(_ row: PostgresRow) throws(PostgresError) -> Alert {
        let expression: AlertExpression
        do { expression = try AlertExpression(parsing: row.text(4)) } catch let error as PostgresError {
            throw error
        } catch {
            throw row.unexpected(4, "an alert's expression (\(error))")
        }
        let title = row.optionalText(6)
        let body = row.optionalText(7)
        return Alert(
            id: try row.integer(0), user: try row.text(1), symbol: try row.symbol(2),
            venue: row.isNull(3) ? nil : try row.venue(3), expression: expression, webhookURL: row.optionalText(5),
            template: title == nil && body == nil ? nil : AlertTemplate(title: title, body: body),
            locale: row.optionalText(8), pause: try Self.pause(row, 9), snoozedUntil: try row.optionalTimestamp(10),
            revision: try row.integer(11),
            state: AlertState(
                isArmed: try row.boolean(12), lastPrice: try row.optionalDecimal(13),
                lastFiredAt: try row.optionalTimestamp(14), lastFiredPrice: try row.optionalDecimal(15),
                cameFrom: try Self.side(row, 21), crossingCount: try row.integer(16), confirming: try Self.confirming(row, 17),
                recentFirings: try Self.firings(row, 18), evaluations: try Self.evaluations(row, 19)
            )
        )
    }

    static func changedAt(_ row: PostgresRow) throws(PostgresError) -> Timestamp { try row.timestamp(20) }

    private static func pause(_ row: PostgresRow, _ column: Int) throws(PostgresError) -> AlertPause? {
        guard let text = row.optionalText(column) else { return nil }
        guard let pause = AlertPause(rawValue: text) else { throw row.unexpected(column, "'user' or 'storm'") }
        return pause
    }

    private static func side(_ row: PostgresRow, _ column: Int) throws(PostgresError) -> PriceSide? {
        guard let text = row.optionalText(column) else { return nil }
        guard let side = PriceSide(rawValue: text) else { throw row.unexpected(column, "'above' or 'below'") }
        return side
    }

    // MARK: Memory

    private struct Confirming: Codable {
        var since: String
        var count: Int
        var reference: String?
    }

    private struct Evaluation: Codable {
        var time: String
        var price: String?
        var outcome: String
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ row: PostgresRow, _ column: Int, _ expected: String
    ) throws(PostgresError) -> Value? {
        guard let text = row.optionalText(column) else { return nil }
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw row.unexpected(column, expected)
        }
    }

    private static func confirming(_ row: PostgresRow, _ column: Int) throws(PostgresError) -> AlertState.Confirming? {
        let expected = "{\"since\": time, \"count\": number}"
        guard let stored = try Self.decode(Confirming.self, row, column, expected) else { return nil }
        guard let since = Timestamp(iso8601: stored.since) else { throw row.unexpected(column, expected) }
        return AlertState.Confirming(
            since: since, count: stored.count, reference: stored.reference.flatMap { Decimal64($0) })
    }

    private static func firings(_ row: PostgresRow, _ column: Int) throws(PostgresError) -> [Timestamp] {
        let expected = "a list of times"
        var times: [Timestamp] = []
        for text in try Self.decode([String].self, row, column, expected) ?? [] {
            guard let time = Timestamp(iso8601: text) else { throw row.unexpected(column, expected) }
            times.append(time)
        }
        return times
    }

    private static func evaluations(_ row: PostgresRow, _ column: Int) throws(PostgresError) -> [AlertEvaluation] {
        let expected = "a list of {\"time\": time, \"price\": text, \"outcome\": word}"
        var evaluations: [AlertEvaluation] = []
        for stored in try Self.decode([Evaluation].self, row, column, expected) ?? [] {
            guard let time = Timestamp(iso8601: stored.time),
                let outcome = AlertEvaluation.Outcome(rawValue: stored.outcome)
            else { throw row.unexpected(column, expected) }
            evaluations.append(
                AlertEvaluation(time: time, price: stored.price.flatMap { Decimal64($0) }, outcome: outcome))
        }
        return evaluations
    }
}

extension AlertState {
    /// The column `confirming`.
    var storedConfirming: String? {
        self.confirming.map { confirming in
            let reference = confirming.reference.map { ",\"reference\":\"\($0)\"" } ?? ""
            return "{\"since\":\"\(confirming.since)\",\"count\":\(confirming.count)\(reference)}"
        }
    }

    /// The column `recent_firings`.
    var storedFirings: String? {
        if self.recentFirings.isEmpty { return nil }
        return "[" + self.recentFirings.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }

    /// The column `evaluations`.
    var storedEvaluations: String? {
        if self.evaluations.isEmpty { return nil }
        let items = self.evaluations.map { evaluation in
            let price = evaluation.price.map { "\"price\":\"\($0)\"," } ?? ""
            return "{\"time\":\"\(evaluation.time)\",\(price)\"outcome\":\"\(evaluation.outcome.rawValue)\"}"
        }
        return "[" + items.joined(separator: ",") + "]"
    }
}

extension AlertMeasurement {
    /// The column `measurement` of `alert_events`.
    var storedText: String {
        var fields: [String] = []
        if let amount { fields.append("\"amount\":\"\(amount)\"") }
        if let reference { fields.append("\"reference\":\"\(reference)\"") }
        if let referenceTime { fields.append("\"referenceTime\":\"\(referenceTime)\"") }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private struct Stored: Codable {
        var amount: String?
        var reference: String?
        var referenceTime: String?
    }

    /// Reads what ``storedText`` wrote; `nil` for other text.
    init?(storedText: String) {
        // Other text is what the caller is told of.
        guard let stored = try? JSONDecoder().decode(Stored.self, from: Data(storedText.utf8)) else { return nil }
        self.init(
            amount: stored.amount.flatMap { AlertAmount(stored: $0) },
            reference: stored.reference.flatMap { Decimal64($0) },
            referenceTime: stored.referenceTime.flatMap { Timestamp(iso8601: $0) })
    }
}

extension AlertAmount {
    /// Reads what ``description`` wrote; `nil` for other text.
    fileprivate init?(stored text: String) {
        let digits = text.last.map { $0 == "%" || $0 == "x" } ?? false ? String(text.dropLast()) : text
        guard let value = Decimal64(digits) else { return nil }
        switch text.last {
        case "%": self = .percent(value)
        case "x": self = .multiple(value)
        default: self = .absolute(value)
        }
    }
}
