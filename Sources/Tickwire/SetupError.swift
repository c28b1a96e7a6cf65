/// What can keep a command from starting.
///
/// Each message names the value at fault and the fix.
public enum SetupError: Error, Equatable, CustomStringConvertible {
    /// A setting's value is not what it must be.
    case badSetting(name: String, value: String, expected: String)
    /// A chosen feed needs variables of the environment that are not set.
    case missingKeys(feed: String, variables: [String])
    /// A key of the settings file is unknown.
    case unknownSetting(key: String, file: String, nearest: String?)
    /// A file or folder that must exist does not.
    case notFound(what: String, path: String, fix: String)
    /// PostgreSQL's programs are not installed.
    case postgresMissing
    /// A step of keeping the private PostgreSQL failed.
    case privatePostgres(step: String, output: String)
    /// A folder cannot be written or entered.
    case notPermitted(path: String, fix: String)
    /// The service to talk to does not answer.
    case unavailable(String)
    /// Something the user named does not exist; the message says what does.
    case unknown(String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .badSetting(let name, let value, let expected):
            "Setting \(name) is '\(value)': expected \(expected)."
        case .missingKeys(let feed, let variables):
            "Feed \(feed) needs its keys in the environment: set \(variables.joined(separator: " and ")), or leave it out of the feeds."
        case .unknownSetting(let key, let file, let nearest):
            "\(file): unknown setting '\(key)'."
                + (nearest.map { " Did you mean '\($0)'?" } ?? " tickwire.example.yaml lists them all.")
        case .notFound(let what, let path, let fix):
            "\(what) '\(path)' does not exist. \(fix)"
        case .postgresMissing:
            "No PostgreSQL programs found (initdb, pg_ctl). Install PostgreSQL 15 or later (apt install postgresql), or set DATABASE_URL."
        case .privatePostgres(let step, let output):
            "The private PostgreSQL could not \(step): \(output)"
        case .notPermitted(let path, let fix):
            "'\(path)' is not accessible. \(fix)"
        case .unavailable(let text), .unknown(let text):
            text
        }
    }

    /// The exit code of sysexits.h that says what kind of trouble it is.
    public var exitCode: Int32 {
        switch self {
        case .badSetting, .missingKeys, .unknownSetting: 78
        case .notFound, .postgresMissing: 78
        case .privatePostgres, .unavailable: 69
        case .notPermitted: 77
        case .unknown: 64
        }
    }
}
