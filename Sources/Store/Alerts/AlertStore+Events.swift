import Alerts
import Market
import Postgres

extension AlertStore {
    /// An alert's firings, newest first; also those of an alert that was removed.
    ///
    /// - Parameters:
    ///   - id: The alert.
    ///   - limit: How many at most.
    ///   - before: Only those with a lower number of their crossing, to turn pages.
    /// - Returns: None for an alert that has not fired or that is not known.
    /// - Throws: ``PostgresError``.
    public func events(of id: Int64, limit: Int = 50, before: Int64? = nil) async throws -> [AlertEventRecord] {
        let rows = try await self.client.query(
            """
            SELECT alert_events.id, alert_id, crossing, expression, fired_at, event_time, received_time, venues.name, price,
                   size, side, trade_id, previous_price, measurement, late_reason, late_since, is_storm
            FROM alert_events LEFT JOIN venues ON venues.id = venue_id
            WHERE alert_id = $1 AND ($2::bigint IS NULL OR crossing < $2)
            ORDER BY crossing DESC LIMIT $3
            """,
            [.integer(id), .optional(before), .integer(Int64(max(0, limit)))]
        )
        return try rows.map { row in
            let lateness = try row.optionalText(14).map { text in
                guard let reason = AlertLateness.Reason(rawValue: text) else {
                    throw row.unexpected(14, "'gap' or 'restart'")
                }
                return AlertLateness(reason: reason, since: try row.timestamp(15))
            }
            let measurement = try row.optionalText(13).map { text in
                guard let measurement = AlertMeasurement(storedText: text) else {
                    throw row.unexpected(13, "a measurement")
                }
                return measurement
            }
            return AlertEventRecord(
                id: try row.integer(0), alertID: try row.integer(1), crossing: try row.integer(2),
                expression: try row.text(3), firedAt: try row.timestamp(4),
                cause: FiredAlert.Cause(
                    venue: row.isNull(7) ? nil : try row.venue(7), price: try row.optionalDecimal(8),
                    size: try row.optionalDecimal(9), side: try row.side(10), tradeID: row.optionalText(11),
                    eventTime: try row.timestamp(5), receivedTime: try row.timestamp(6)),
                previousPrice: try row.optionalDecimal(12), measurement: measurement, lateness: lateness,
                isStorm: try row.boolean(16))
        }
    }
}
