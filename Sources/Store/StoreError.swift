public import Postgres

/// What can go wrong while storing and reading.
public enum StoreError: Error, Hashable, CustomStringConvertible {
    /// The directory of migrations cannot be read.
    case unreadableMigrations(path: String, reason: String)
    /// A file of the migrations directory is not named `0001_what.sql`, or two have one number.
    case badMigrationName(String)
    /// An applied migration's file is not what was applied.
    case migrationChanged(file: String)
    /// The database has a migration that this program does not know.
    case databaseIsNewer(version: Int64, newestKnown: Int64)
    /// A migration failed; nothing of it was applied.
    case migrationFailed(file: String, line: Int?, error: PostgresError)
    /// Migrations that the program needs are not applied.
    case migrationsMissing([String])
    /// Nothing has been recorded under the symbol.
    case unknownSymbol(String, nearest: [String])
    /// Nothing has been recorded from the venue.
    case unknownVenue(String, known: [String])
    /// The user's name is empty, too long or has characters that a channel name cannot carry.
    case invalidUser(String)
    /// The webhook is not an absolute http or https URL.
    case invalidWebhook(String)
    /// There is no such alert.
    case unknownAlert(Int64)
    /// A user has as many alerts as one may have.
    case tooManyAlerts(user: String, limit: Int)
    /// A template is too long, or a locale is none.
    case invalidTemplate(String)
    /// There is no such device.
    case unknownDevice(Int64)
    /// The delivery was not given up.
    case notDead(Int64)
    /// There is no such user.
    case unknownUser(String, nearest: [String])
    /// There is a user with this id.
    case userExists(String)
    /// A name that people see is empty, too long or has control characters.
    case invalidName(String)
    /// There is no such token.
    case unknownToken(Int64)
    /// The text is no scope of a token.
    case invalidScope(String)
    /// An interval or a time span makes no sense.
    case invalidRange(String)
    /// A follower was away for longer than the list of what was recorded reaches back.
    case tooFarBehind(lastLook: String)
    /// The recorder is not running, or runs already.
    case recorderState(String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .unreadableMigrations(let path, let reason):
            "Cannot read the migrations in '\(path)': \(reason). Point the program at its Migrations directory."
        case .badMigrationName(let name):
            "'\(name)' is no migration's name. Name it NNNN_what.sql with a number of its own, for example 0007_devices.sql."
        case .migrationChanged(let file):
            "Migration \(file) was changed after it had been applied. Restore the file, and put the change into a new migration."
        case .databaseIsNewer(let version, let newestKnown):
            """
            The database is at migration \(version), this program knows up to \(newestKnown). Use the newer program, or \
            another database.
            """
        case .migrationFailed(let file, let line, let error):
            "Migration \(file)\(line.map { ":\($0)" } ?? "") failed, nothing of it was applied: \(error)"
        case .migrationsMissing(let files):
            "The database lacks the migrations \(files.joined(separator: ", ")). Run 'tickwire migrate'."
        case .unknownSymbol(let symbol, let nearest):
            nearest.isEmpty
                ? "Unknown symbol '\(symbol)': nothing has been recorded under it."
                : "Unknown symbol '\(symbol)'. Did you mean \(Self.alternatives(nearest))?"
        case .unknownVenue(let venue, let known):
            known.isEmpty
                ? "Unknown venue '\(venue)': nothing has been recorded yet."
                : "Unknown venue '\(venue)'. Known are \(known.joined(separator: ", "))."
        case .invalidUser(let user):
            "'\(user)' is not a user. Write 1 to 100 of A-Z, a-z, 0-9, '_', '-', '=', '@', '.'."
        case .invalidWebhook(let url):
            "'\(url)' is not a webhook. Write an absolute URL, for example https://example.com/hook."
        case .unknownAlert(let id):
            "There is no alert \(id). 'tickwire alerts list' shows the alerts."
        case .tooManyAlerts(let user, let limit):
            """
            '\(user)' has \(limit) alerts, which is the limit. Remove some with 'tickwire alerts remove ID', or raise \
            alerts.perUserMax.
            """
        case .invalidTemplate(let what):
            "\(what)"
        case .unknownDevice(let id):
            "There is no device \(id). 'tickwire devices list' shows the devices."
        case .notDead(let id):
            "Delivery \(id) was not given up, so nothing is sent again. 'tickwire deliver status --dead' shows those that were."
        case .unknownUser(let user, let nearest):
            nearest.isEmpty
                ? "There is no user '\(user)'. 'tickwire users list' shows them, 'tickwire users create' makes one."
                : "There is no user '\(user)'. Did you mean \(Self.alternatives(nearest))?"
        case .userExists(let user):
            "There is a user '\(user)' already. Choose another id, or remove that one with 'tickwire users remove \(user)'."
        case .invalidName(let name):
            "'\(name.prefix(120))' is not a name. Write 1 to 100 characters without line breaks."
        case .unknownToken(let id):
            "There is no token \(id). 'tickwire tokens list --all' shows the tokens."
        case .invalidScope(let scope):
            "'\(scope)' is not a scope. Write channels:PATTERN, for example 'channels:private-*', or alerts, or alerts:all."
        case .invalidRange(let what):
            "\(what)"
        case .tooFarBehind(let lastLook):
            """
            Cannot follow without a hole any more: the database was away since \(lastLook), and the list of what was recorded \
            meanwhile reaches back a day. Start again with '--since \(lastLook)'.
            """
        case .recorderState(let what):
            "\(what)"
        }
    }

    private static func alternatives(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}
