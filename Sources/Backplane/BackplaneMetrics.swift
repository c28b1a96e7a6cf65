/// The bus's counters in Prometheus' text format.
public enum BackplaneMetrics {
    /// The lines for `counters`; `malformed` counts messages of others that made no sense.
    public static func text(_ counters: BusCounters, malformed: Int) -> String {
        let rows: [(name: String, kind: String, help: String, value: Int)] = [
            ("connected", "gauge", "Whether NATS is connected.", counters.isConnected ? 1 : 0),
            ("connects_total", "counter", "Connections made to NATS.", counters.connects),
            ("subscriptions", "gauge", "Subjects subscribed to.", counters.subscriptions),
            ("sent_total", "counter", "Messages sent to other nodes.", counters.sent),
            ("events_sent_total", "counter", "Events in them.", counters.eventsSent),
            ("received_total", "counter", "Messages received from other nodes.", counters.received),
            ("send_dropped_total", "counter", "Messages not sent: no connection, or too many.", counters.sendDropped),
            ("receive_dropped_total", "counter", "Messages lost on their way in.", counters.receiveDropped),
            ("malformed_total", "counter", "Messages of other nodes that made no sense.", malformed),
        ]
        return rows.map { row in
            let name = "tickwire_backplane_" + row.name
            return "# HELP \(name) \(row.help)\n# TYPE \(name) \(row.kind)\n\(name) \(row.value)\n"
        }.joined()
    }
}
