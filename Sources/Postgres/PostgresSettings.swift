/// How to reach a PostgreSQL server.
public struct PostgresSettings: Sendable {
    /// A `postgresql://` URL or key=value pairs; empty takes everything from the `PG*` environment.
    ///
    /// Secret.
    public var connectionString: String
    /// Replaces the database that ``connectionString`` names; `nil` leaves it.
    public var database: String?
    /// How long a connection attempt may take, in all.
    public var connectTimeout: Duration
    /// What `pg_stat_activity` shows as the application's name, unless the connection string says otherwise.
    public var applicationName: String

    /// Makes settings.
    ///
    /// - Parameters:
    ///   - connectionString: A URL, key=value pairs, or empty for the `PG*` environment.
    ///   - database: Replaces the connection string's database.
    ///   - connectTimeout: How long a connection attempt may take, in all.
    ///   - applicationName: The name the server shows for the connection.
    public init(
        _ connectionString: String, database: String? = nil, connectTimeout: Duration = .seconds(10),
        applicationName: String = "tickwire"
    ) {
        self.connectionString = connectionString
        self.database = database
        self.connectTimeout = connectTimeout
        self.applicationName = applicationName
    }
}
