public import Alerts
public import Market
import Postgres

extension AlertStore {
    /// Removes an alert; its events stay, and what they still have to deliver is delivered.
    ///
    /// - Throws: ``StoreError/unknownAlert(_:)`` when there is none with the id, or it was removed before.
    public func remove(id: Int64) async throws {
        let rows = try await self.client.query(
            "UPDATE alerts SET removed_at = now(), changed_at = now() WHERE id = $1 AND removed_at IS NULL",
            [.integer(id)]
        )
        if rows.affectedRows == 0 { throw StoreError.unknownAlert(id) }
    }

    /// Pauses an alert, or resumes it with `nil`.
    ///
    /// What happened in between is not made up for. An alert that its storm guard paused starts with a clean count. A `once`
    /// alert that has fired stays spent.
    ///
    /// - Returns: The alert as it is now.
    /// - Throws: ``StoreError/unknownAlert(_:)``.
    @discardableResult
    public func setPause(id: Int64, _ pause: AlertPause?) async throws -> Alert {
        try await self.change(
            id, "pause = $2, recent_firings = CASE WHEN $2::text IS NULL THEN NULL ELSE recent_firings END",
            [.optional(pause?.rawValue)])
    }

    /// Silences an alert until an instant, or lets it speak again with `nil`.
    ///
    /// - Returns: The alert as it is now.
    /// - Throws: ``StoreError/unknownAlert(_:)``.
    @discardableResult
    public func snooze(id: Int64, until: Timestamp?) async throws -> Alert {
        try await self.change(id, "snoozed_until = $2::timestamptz", [.timestamp(until)])
    }

    /// Changes what an alert watches for or how it says so.
    ///
    /// - Returns: The alert as it is now.
    /// - Throws: ``StoreError/unknownAlert(_:)``.
    @discardableResult
    public func update(id: Int64, _ update: AlertUpdate) async throws -> Alert {
        var assignments: [String] = []
        var parameters: [PostgresParameter] = []
        func assign(_ column: String, _ value: PostgresParameter) {
            parameters.append(value)
            assignments.append("\(column) = $\(parameters.count + 1)")
        }
        if let expression = update.expression {
            assign("expression", .text(expression.description))
            // Another condition starts afresh: what the old one remembers says nothing about it.
            assignments += [
                "revision = revision + (expression <> $2)::int", "is_armed = is_armed OR expression <> $2",
            ]
            for column in ["last_price", "last_fired_price", "came_from", "confirming", "recent_firings", "evaluations"] {
                assignments.append("\(column) = CASE WHEN expression = $2 THEN \(column) END")
            }
            assign("expires_at", .timestamp(expression.options.until))
        }
        if let url = update.webhookURL { assign("webhook_url", .optional(url)) }
        if let template = update.template {
            assign("template_title", .optional(template?.title))
            assign("template_body", .optional(template?.body))
        }
        if let locale = update.locale { assign("locale", .optional(locale)) }
        if assignments.isEmpty { return try await self.alert(id: id) }
        return try await self.change(id, assignments.joined(separator: ", "), parameters)
    }

    private func change(_ id: Int64, _ assignments: String, _ parameters: [PostgresParameter]) async throws -> Alert {
        let rows = try await self.client.query(
            "UPDATE alerts SET \(assignments), changed_at = now() WHERE id = $1 AND removed_at IS NULL",
            [.integer(id)] + parameters)
        if rows.affectedRows == 0 { throw StoreError.unknownAlert(id) }
        return try await self.alert(id: id)
    }
}
