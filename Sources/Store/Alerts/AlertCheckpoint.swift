public import Alerts
public import Notifications

/// What an evaluator has found up to a place in the journal, to be stored as a whole.
public struct AlertCheckpoint: Sendable {
    /// How far a stream of ticks has been evaluated, and where in the journal that is.
    public struct StreamRow: Sendable, Hashable {
        /// What is known of it there.
        public let stream: EvaluatedStream
        /// All its ticks before this place are evaluated.
        public let place: JournalPlace

        /// Makes a row from its parts.
        public init(_ stream: EvaluatedStream, place: JournalPlace) {
            self.stream = stream
            self.place = place
        }
    }

    /// A firing with what it sends.
    public struct Event: Sendable {
        /// The firing.
        public let fired: FiredAlert
        /// What it sends.
        public let payloads: NotificationPayloads

        /// Makes an event from its parts.
        public init(_ fired: FiredAlert, _ payloads: NotificationPayloads) {
            self.fired = fired
            self.payloads = payloads
        }
    }

    /// The journal, and up to where all ticks of all streams are evaluated; `nil` moves nothing.
    public var position: (journal: String, place: JournalPlace)?
    /// Streams that had ticks since the last checkpoint.
    public var streams: [StreamRow] = []
    /// Alerts that changed since then.
    public var states: [AlertMemory] = []
    /// What fired since then, in order.
    public var events: [Event] = []

    /// Makes an empty one.
    public init() {}
}
