import Market
import Postgres

/// A table that holds the ticks of one UTC day: `trades_20261123`.
struct DayPartition: Sendable, Hashable {
    /// What is partitioned by day.
    enum Stream: String, Sendable, CaseIterable {
        case trades, quotes
    }

    /// How a table stands to the partitioned one.
    enum Attachment: String, Sendable {
        case attached
        /// `DETACH … CONCURRENTLY` was broken off.
        case detaching
        case detached
    }

    let stream: Stream
    let day: CivilDay
    let attachment: Attachment
    /// The comment on the table.
    let comment: String?

    /// The table's name.
    var name: String { Self.name(self.stream, self.day) }

    /// The name of the table that holds a day of a stream.
    static func name(_ stream: Stream, _ day: CivilDay) -> String {
        "\(stream.rawValue)_\(day.description.filter { $0 != "-" })"
    }

    /// Makes the tables of a day, unless they are there.
    static func create(_ day: CivilDay, _ session: PostgresSession) throws(PostgresError) {
        try session.query("SELECT tickwire_create_day($1::date)", [.text(day.description)])
    }

    /// `nil` unless `name` is that of a partition of `stream`.
    init?(_ name: String, of stream: Stream, attachment: Attachment, comment: String?) {
        let digits = name.dropFirst(stream.rawValue.count + 1)
        guard name.hasPrefix(stream.rawValue + "_"), digits.utf8.count >= 8,
            let day = CivilDay("\(digits.prefix(digits.count - 4))-\(digits.suffix(4).prefix(2))-\(digits.suffix(2))")
        else { return nil }
        self.stream = stream
        self.day = day
        self.attachment = attachment
        self.comment = comment
        guard self.name == name else { return nil }
    }

    /// All days of a stream, the earliest first; also tables that were detached and not dropped.
    static func all(_ stream: Stream, _ client: PostgresConnection) async throws -> [DayPartition] {
        try self.read(try await client.query(self.select, [.text(stream.rawValue)]), stream)
    }

    /// The attached days of a stream, the earliest first.
    static func list(_ stream: Stream, _ client: PostgresClient) async throws -> [DayPartition] {
        try self.read(try await client.query(self.select, [.text(stream.rawValue)]), stream)
            .filter { $0.attachment == .attached }
    }

    private static let select = """
        SELECT relname, CASE WHEN inhparent IS NULL THEN 'detached' WHEN inhdetachpending THEN 'detaching' ELSE 'attached' END,
            obj_description(child.oid, 'pg_class')
        FROM pg_class AS child LEFT JOIN pg_inherits ON inhrelid = child.oid AND inhparent = to_regclass($1)
        WHERE child.relkind = 'r' AND child.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1))
            AND relname ~ ('^' || $1 || '_[0-9]{8}$')
        ORDER BY relname
        """

    private static func read(_ rows: PostgresRows, _ stream: Stream) throws(PostgresError) -> [DayPartition] {
        var partitions: [DayPartition] = []
        for row in rows {
            guard let attachment = Attachment(rawValue: try row.text(1)) else {
                throw row.unexpected(1, "attached, detaching or detached")
            }
            let comment = row.optionalText(2)
            if let partition = DayPartition(try row.text(0), of: stream, attachment: attachment, comment: comment) {
                partitions.append(partition)
            }
        }
        return partitions
    }
}

extension CivilDay {
    /// Midnight UTC at the day's beginning.
    var start: Timestamp { Timestamp(microseconds: Int64(self.daysSinceEpoch) * 86_400_000_000) }
}
