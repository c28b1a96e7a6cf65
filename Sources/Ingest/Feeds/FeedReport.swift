/// What is known of a feed's health: the answer of `GET /v1/feeds` and what `tickwire feeds status` shows.
public struct FeedReport: Codable, Equatable, Sendable {
    /// One connection, or the poller.
    public struct Connection: Codable, Equatable, Sendable {
        /// The stream's name in a feed of several, and the connection's number in it, from 1.
        public var name: String
        /// `connecting`, `subscribing`, `live`, `waiting`, `failed` or `stopped`.
        public var state: String
        /// Why it waits or failed.
        public var reason: String?
        /// The number of the next try in a row.
        public var attempt: Int?
        /// Since when it is in this state, RFC 3339.
        public var since: String
        /// How many symbols it carries.
        public var symbols: Int
    }

    /// One symbol of the subscription.
    public struct SymbolEntry: Codable, Equatable, Sendable {
        /// The symbol.
        public var symbol: String
        /// `pending`, `subscribed` or `refused`.
        public var state: String
        /// Why it was refused.
        public var reason: String?
        /// Where it comes from: `default` is the feed file, `--symbols` the settings, `simulated` the simulated market, `added` a
        /// user; absent for a recording.
        public var origin: String?
    }

    /// How long ticks took from the venue's clock to ours, in milliseconds.
    public struct Lag: Codable, Equatable, Sendable {
        /// Of how many reads the last tick was measured.
        public var count: Int
        /// Half of them took no longer.
        public var p50: Int
        /// 99 of 100 took no longer.
        public var p99: Int
        /// The newest; negative when the venue's clock is ahead of ours.
        public var last: Int
    }

    /// How much of what a provider allows has been used.
    public struct Budget: Codable, Equatable, Sendable {
        /// What is counted over: `minute`, `day` or the provider's own header.
        public var name: String
        /// Used so far.
        public var used: Int
        /// Allowed.
        public var limit: Int
    }

    /// A frame that no rule takes, or that cannot be read, or that reports an error.
    public struct Sample: Codable, Equatable, Sendable {
        /// The counter it went to.
        public var outcome: String
        /// When it came, RFC 3339.
        public var time: String
        /// What is wrong, or the provider's words.
        public var detail: String?
        /// Its first 300 bytes.
        public var frame: String
    }

    /// Why a changed feed file is not in use.
    public struct Problem: Codable, Equatable, Sendable {
        /// `FILE:LINE:COLUMN: what is wrong and the fix`, a line for each fault.
        public var lines: [String]
        /// Since when, RFC 3339.
        public var since: String
    }

    /// The feed's name.
    public var feed: String
    /// Its name for people.
    public var title: String
    /// `websocket`, `polled` or `replay`.
    public var kind: String
    /// `live`, `degraded` when only some connections are, otherwise the state of the first connection.
    public var state: String
    /// The connections.
    public var connections: [Connection]
    /// The symbols asked for.
    public var symbols: [SymbolEntry]
    /// Frames by outcome; each frame is in exactly one of them.
    public var frames: [String: Int]
    /// Frames altogether.
    public var framesTotal: Int
    /// Ticks altogether.
    public var ticks: Int
    /// When the last frame came, RFC 3339.
    public var lastFrameTime: String?
    /// When the last tick came, RFC 3339.
    public var lastTickTime: String?
    /// From the venue's clock to ours; absent before the first tick with a time.
    public var lag: Lag?
    /// Connections opened, or answers received, since start.
    public var connects: Int
    /// Connections that were opened again after they had been lost.
    public var reconnects: Int
    /// Attempts to connect, or requests, that failed since start.
    public var connectFailures: Int
    /// What a polled provider's allowance stands at.
    public var budgets: [Budget]
    /// How often a changed file was taken over.
    public var reloads: Int
    /// Why the newest version of the file is not in use.
    public var problem: Problem?
    /// The first frames of a kind that the file does not understand.
    public var samples: [Sample]
}
