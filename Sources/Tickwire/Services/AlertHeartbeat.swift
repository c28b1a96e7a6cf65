import Ingest
import Market

/// What alerts do, as JSON: that nothing fires because nothing happened can be told from that nothing is evaluated.
struct AlertHeartbeat {
    /// The event's name on the channel `status`.
    static let eventName = "alerts"
    /// The channel.
    static let channel = "status"
    /// How often it comes.
    static let interval = Duration.seconds(10)

    let status: AlertStatus
    let counters: AlertServiceCounters

    /// `{"state":"live","armed":3,"evaluatedAt":"…","storedAt":"…"}`; times that have not come yet are left out.
    var json: String {
        var members = [
            "\"state\":\"\(self.status.isLive ? "live" : "catchingUp")\"", "\"armed\":\(self.status.armed)",
        ]
        if let time = self.status.evaluatedAt { members.append("\"evaluatedAt\":\"\(time)\"") }
        if let time = self.counters.storedAt { members.append("\"storedAt\":\"\(time)\"") }
        return "{" + members.joined(separator: ",") + "}"
    }
}
