import Market
public import Notifications
import Postgres

extension Outbox {
    /// The present prices of the symbols that alerts' events are about, written as those alerts want it; one query.
    ///
    /// - Parameter events: Rows of `alert_events`.
    /// - Returns: By event; those without a price are left out. The venue of the event counts, else the newest one.
    /// - Throws: `PostgresError`.
    public func presentPrices(of events: Set<Int64>) async throws -> [Int64: LateNotice.Price] {
        if events.isEmpty { return [:] }
        let rows = try await self.client.query(
            """
            SELECT alert_events.id, alerts.locale, latest.last_price, latest.event_time, latest.decimals
            FROM alert_events JOIN alerts ON alerts.id = alert_events.alert_id
            CROSS JOIN LATERAL (
                SELECT last_price, event_time, greatest(scale(last_price), scale(bid), scale(ask)) AS decimals
                FROM last_ticks WHERE last_ticks.symbol_id = alerts.symbol_id AND last_price IS NOT NULL
                ORDER BY (venue_id = alert_events.venue_id) IS TRUE DESC, received_time DESC LIMIT 1
            ) AS latest
            WHERE alert_events.id = ANY($1::bigint[])
            """, [.array(events.sorted().map { String($0) })])
        var prices: [Int64: LateNotice.Price] = [:]
        for row in rows {
            guard let price = try row.optionalDecimal(2) else { continue }
            prices[try row.integer(0)] = LateNotice.Price(
                price, time: try row.timestamp(3),
                format: PriceFormat(decimals: Int(try row.integer(4)), locale: row.optionalText(1)))
        }
        return prices
    }
}

extension OutboxDelivery {
    /// The same delivery with another content.
    public func replacing(_ content: PushContent) -> OutboxDelivery {
        OutboxDelivery(
            id: self.id, messageID: self.messageID, eventID: self.eventID, service: self.service, lane: self.lane,
            target: self.target, device: self.device, message: .content(content), attempt: self.attempt,
            tries: self.tries, firedAt: self.firedAt, expiresAt: self.expiresAt)
    }
}
