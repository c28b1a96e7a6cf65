import FoundationEssentials
import Market
import Notifications
import Postgres

/// What waits for the budgets or the quiet hours of some users: by device, urgent ones apart.
struct WaitingNotifications {
    /// A device's notifications of one kind.
    struct Key: Hashable {
        let device: Int64
        let isUrgent: Bool
    }

    /// One that still stands alone.
    struct Single {
        /// Its row; `nil` while it is put in.
        let id: Int64?
        let content: PushContent
    }

    /// A summary.
    struct Summary {
        /// Its row; `nil` while it is put in.
        let id: Int64?
        var summary: NotificationSummary
        var due: Timestamp
        var isSilent: Bool
        var hasChanged = false
    }

    var singles: [Key: [Single]] = [:]
    var summaries: [Key: Summary] = [:]
    /// Events that were put in before, by device.
    private var known: Set<String> = []

    /// Nothing.
    init() {}

    /// Reads what waits for `devices`, and keeps workers from claiming it until the transaction ends.
    init(devices: Set<Int64>, events: Set<String>, in session: PostgresSession) throws {
        let ids = PostgresParameter.array(devices.sorted().map { String($0) })
        let rows = try session.query(
            """
            SELECT id, device_id, priority, payload, summary::text, next_at, is_silent FROM deliveries
            WHERE device_id = ANY($1::bigint[]) AND state = 'ready' AND (is_held OR summary IS NOT NULL) AND attempt = 0
            ORDER BY id FOR UPDATE SKIP LOCKED
            """, [ids])
        for row in rows {
            let key = Key(device: try row.integer(1), isUrgent: try row.integer(2) == 2)
            if let text = row.optionalText(4) {
                guard let summary = try? JSONDecoder().decode(NotificationSummary.self, from: Data(text.utf8)) else {
                    throw row.unexpected(4, "a summary")
                }
                self.summaries[key] = Summary(
                    id: try row.integer(0), summary: summary, due: try row.timestamp(5), isSilent: try row.boolean(6))
            } else if let content = StoredContent.content(Array(try row.text(3).utf8)) {
                self.singles[key, default: []].append(Single(id: try row.integer(0), content: content))
            }
        }
        let known = try session.query(
            "SELECT device_id, event_key FROM deliveries WHERE device_id = ANY($1::bigint[]) AND event_key = ANY($2::text[])",
            [ids, .array(events.sorted())])
        self.known = Set(try known.map { "\(try $0.integer(0)) \(try $0.text(1))" })
    }

    /// Notes that an event is put in for a device.
    ///
    /// - Returns: Whether it was not before.
    mutating func isNew(_ event: String, device: Int64) -> Bool { self.known.insert("\(device) \(event)").inserted }
}

extension NotificationSummary {
    /// The column `deliveries.summary`; U+0000, which PostgreSQL cannot hold, becomes the replacement character.
    func storedText() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return StoredJSON.text(Array(try encoder.encode(self)), replacement: "\u{FFFD}")
    }
}
