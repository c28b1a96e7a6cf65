public import Alerts
public import Backplane
public import Beams
public import Channels
import Foundation
public import Gateway
public import Ingest
public import Logging
public import Store

/// Everything an operator can set, checked.
///
/// Flags win over the environment, that over `tickwire.yaml`, that over the defaults.
public struct Settings: Sendable {
    /// Address of the HTTP and WebSocket port; loopback unless told otherwise.
    public var bind = "127.0.0.1"
    /// The HTTP and WebSocket port, 0…65535; 0 takes a free one.
    public var port = 6001
    /// Where the private PostgreSQL, the app's key and other state live.
    public var dataDirectory = Settings.defaultDataDirectory
    /// PostgreSQL to use.
    ///
    /// `nil` keeps a private one under the data directory. Secret.
    public var databaseURL: String?
    /// How long a service that starts waits for a PostgreSQL that cannot be reached.
    public var databaseWait = Duration.seconds(10)
    /// The folder of feed files.
    public var feedsDirectory = ""
    /// The folder of migrations.
    public var migrationsDirectory = ""
    /// Feeds to run, in order of priority; `nil` takes ``defaultFeeds``.
    public var feeds: [String]?
    /// Symbols to subscribe to; `nil` takes each feed file's own list.
    public var symbols: [String]?
    /// Whether candles are told on channels while they happen; the stored ones do not depend on it.
    public var hasCandleChannels = true
    /// What to do when no live feed has connected within 10 s: `sim` or `none`.
    public var fallback = Fallback.sim
    /// Where a feed connects instead of its file's URL, by feed name.
    public var feedURLs: [String: String] = [:]
    /// Recordings to play in a feed's place, by feed name.
    public var replays: [String: String] = [:]
    /// How fast recordings are played.
    public var replaySpeed = ReplaySpeed.times(1)
    /// Whether the ticks of recordings may fire alerts.
    public var replayFiresAlerts = false
    /// Whether to run on the simulated market alone.
    public var isDemo = false
    /// Messages a second of the built-in simulator.
    public var simulatorRate = 20
    /// What goes wrong at the built-in simulator.
    public var simulatorFaults = FaultPlan()
    /// NATS, by which several nodes know each other; `nil`: this node is alone.
    ///
    /// Secret: the addresses may carry passwords.
    public var nats: NATSServers?
    /// Where `ingest` publishes: the base URL of a gateway, or of any server with the Pusher HTTP API.
    public var publishURL: String?
    /// Events in one publishing request: hosted Pusher takes 10, a Tickwire gateway 1000.
    public var publishBatch = 10
    /// How long events are collected before they are published, ticks collapsing meanwhile; zero sends at once.
    public var publishInterval = Duration.zero
    /// Messages a second that may be published; `nil`: no limit.
    public var publishMessagesPerSecond: Int?
    /// Messages a day that may be published; `nil`: no limit.
    public var publishMessagesPerDay: Int?
    /// Whether what subscribers get counts against the budget too, as it does with hosted Pusher.
    public var publishCountsDeliveries = false
    /// Whether market channels are published as `private-encrypted-…` too.
    public var publishesEncrypted = false
    /// Origins of web pages that may ask `/pusher/auth`; `*` is any.
    public var authOrigins = ["*"]
    /// TLS, limits and options of the gateway's connections.
    public var gateway = GatewayOptions()
    /// The app's id, key and secret; all three or none.
    public var appID: String?
    /// The app's public key.
    public var appKey: String?
    /// The app's secret.
    ///
    /// Secret.
    public var appSecret: String?
    /// Who is told what happens on the single app's channels.
    public var appWebhooks: [WebhookEndpoint] = []
    /// The single app's 32 bytes that the secrets of encrypted channels are made from.
    ///
    /// Secret.
    public var appEncryptionMasterKey: [UInt8]?
    /// Further apps.
    public var apps: [AppSettings] = []
    /// Whether alert webhooks may go to private addresses.
    public var allowPrivateWebhooks = false
    /// Whether the app's clients may send `client-` events.
    public var hasClientEvents = false
    /// Whether the app's subscribers are told how many they are.
    public var hasSubscriptionCounts = false
    /// Push services and the delivery to them.
    public var push = PushSettings()
    /// The `apns-topic` of stored push payloads: the app's bundle id.
    public var apnsTopic = "app.tickwire"
    /// The Beams instance that is served, with its secret key; `nil`: none is.
    public var beamsInstance: ServedInstance?
    /// Who is told what becomes of that instance's publications.
    public var beamsWebhooks: [String] = []
    /// Signs what they are told; unless set, the instance's secret key does.
    ///
    /// Secret.
    public var beamsWebhookSecret: String?
    /// How far a crypto or FX price may lie from the last one before it needs a second witness.
    public var cryptoBand = GuardBand.crypto
    /// The same for stocks.
    public var stockBand = GuardBand.stock
    /// When an alert fires too often and is paused.
    public var stormGuard = StormGuard()
    /// How many alerts a user may have; tokens of administrators are not limited.
    public var alertsPerUserMax = 1_000
    /// What the journal may take on disk, over both streams; see ``journalBytesRange``.
    public var journalBytesMax = 4 << 30
    /// Bytes a second sent to one connection at most, beyond which its ticks collapse to the newest; `nil` is no limit.
    public var connectionBytesPerSecondMax: Int?
    /// How long ticks stay in the database; for ever unless told otherwise.
    public var retention = Retention()
    /// The least severe log messages shown.
    public var logLevel = Logger.Level.info

    /// What runs when no live feed connects.
    public enum Fallback: String, Sendable, CaseIterable {
        /// The simulated market.
        case sim
        /// Nothing.
        case none
    }

    /// What ``journalBytesMax`` may be: 16 MB…16 TB.
    public static let journalBytesRange = (16 << 20)...(16 << 40)

    /// Where ticks wait for PostgreSQL.
    public var journalDirectory: String { self.dataDirectory + "/journal" }

    /// The feeds that run unless told otherwise: those that need no key.
    public static let defaultFeeds = ["coinbase", "kraken", "binance", "bitstamp"]

    /// All defaults.
    public init() {}

    /// `/var/lib/tickwire` for root, because PostgreSQL's unprivileged user must be able to enter it; otherwise the XDG data folder.
    public static var defaultDataDirectory: String {
        if getuid() == 0 { return "/var/lib/tickwire" }
        let environment = ProcessInfo.processInfo.environment
        if let home = environment["XDG_DATA_HOME"], !home.isEmpty { return home + "/tickwire" }
        return (environment["HOME"] ?? "/tmp") + "/.local/share/tickwire"
    }
}
