/// The gateway's counters in Prometheus' text format.
enum GatewayMetrics {
    /// The lines for `statistics`.
    static func text(_ statistics: HubStatistics) -> String {
        let rows: [(name: String, kind: String, help: String, value: Int)] = [
            ("tickwire_gateway_connections", "gauge", "WebSocket connections open now.", statistics.connections),
            ("tickwire_gateway_subscriptions", "gauge", "Channel subscriptions held now.", statistics.subscriptions),
            ("tickwire_gateway_events_total", "counter", "Events published.", statistics.eventsPublished),
            ("tickwire_gateway_frames_total", "counter", "Frames handed to subscribers.", statistics.framesDelivered),
            ("tickwire_gateway_send_calls_total", "counter", "Send system calls made.", statistics.sendCalls),
            ("tickwire_gateway_slow_writes_total", "counter", "Writes that had to wait.", statistics.slowWrites),
            ("tickwire_gateway_sent_bytes_total", "counter", "Bytes sent to subscribers.", statistics.bytesSent),
            (
                "tickwire_gateway_conflated_total", "counter", "Ticks replaced by a newer one.",
                statistics.ticksConflated
            ),
            ("tickwire_gateway_slow_closed_total", "counter", "Connections closed as too slow.", statistics.slowClosed),
            (
                "tickwire_gateway_snapshots_refused_total", "counter", "Snapshots not kept: too many channels.",
                statistics.snapshotsRefused
            ),
        ]
        return rows.map { "# HELP \($0.name) \($0.help)\n# TYPE \($0.name) \($0.kind)\n\($0.name) \($0.value)\n" }
            .joined()
    }
}
