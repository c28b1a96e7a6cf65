import Alerts
import ArgumentParser
import FeedLanguage
import Gateway
import HTTPClient
import Ingest
import Market
import Notifications
import Postgres
import Store
import Tickwire

/// What a command refuses on its own account; the exit codes are those of sysexits.h.
enum CommandError: Error, CustomStringConvertible {
    /// An argument is wrong: 64.
    case usage(String)
    /// The content of a file is wrong: 65.
    case badData(String)
    /// A file cannot be read: 66.
    case noInput(String)
    /// A service does not answer: 69.
    case unavailable(String)
    /// A file cannot be written: 73.
    case cannotCreate(String)

    var description: String {
        switch self {
        case .usage(let text), .badData(let text), .noInput(let text), .unavailable(let text), .cannotCreate(let text):
            text
        }
    }

    /// The exit code for any error a command may throw.
    static func exitCode(for error: any Error) -> Int32 {
        switch error {
        case CommandError.usage: 64
        case CommandError.badData: 65
        case CommandError.noInput: 66
        case CommandError.unavailable: 69
        case CommandError.cannotCreate: 73
        case let error as SetupError: error.exitCode
        case is FeedProblem, is FeedFileError, is RecordingError, is ImportError: 65
        case is MarketError, is AlertSyntaxError, is AlertTemplateError, is AlertTrialError, is AlertChangeError,
            is FaultPlanError, is NotificationError:
            64
        case PushError.badCredential: 78
        case is PushError: 64
        case let error as StoreError: self.exitCode(for: error)
        case let error as PostgresError: self.exitCode(for: error)
        case let error as JournalError: self.exitCode(for: error)
        case GatewayError.certificate, is PushError: 78
        case is GatewayError, is IngestError, is HTTPClientError: 69
        default: 70
        }
    }

    private static func exitCode(for error: StoreError) -> Int32 {
        switch error {
        case .unknownSymbol, .unknownVenue, .invalidUser, .invalidWebhook, .unknownAlert, .invalidRange, .unknownUser,
            .userExists, .invalidName, .unknownToken, .invalidScope, .tooManyAlerts, .invalidTemplate, .unknownDevice,
            .notDead:
            64
        case .unreadableMigrations, .badMigrationName, .migrationChanged, .databaseIsNewer, .migrationsMissing: 78
        case .migrationFailed, .recorderState, .tooFarBehind: 69
        }
    }

    private static func exitCode(for error: JournalError) -> Int32 {
        switch error {
        case .damagedID, .missingID, .unknownVersion: 65
        case .inUse, .cannotStart: 69
        case .cannotOpen, .unreadable: 74
        }
    }

    private static func exitCode(for error: PostgresError) -> Int32 {
        if case .malformedConnectionString = error { 78 } else { 69 }
    }
}
