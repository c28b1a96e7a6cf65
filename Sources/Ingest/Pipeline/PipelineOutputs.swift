public import Alerts
public import Channels
public import Market

/// Where the pipeline's results go.
///
/// None of these may block: they are called on the shards' event loops.
public struct PipelineOutputs: Sendable {
    /// Takes every tick that passed the guard, for the recorder.
    public var record: @Sendable ([Tick]) -> Void
    /// Takes the latest state of every symbol and venue that changed, about four times a second.
    public var saveStates: @Sendable ([PublishedState]) -> Void
    /// Takes alerts that fired, for the store and the push services.
    public var alertsFired: @Sendable ([FiredAlert]) -> Void
    /// Takes what happens to gaps, for the store and to ask for what is missing.
    public var gaps: @Sendable ([GapChange]) -> Void
    /// Takes what the guard holds back and lets go, for the store.
    public var quarantine: @Sendable ([QuarantineChange]) -> Void
    /// How many ticks have been handed to `record`, by kind, over all its life.
    public var place: @Sendable () -> TickPlace = { TickPlace() }
    /// Takes channel events.
    public var publisher: any EventPublisher

    /// Names the outputs; gaps and quarantine may go nowhere.
    public init(
        record: @escaping @Sendable ([Tick]) -> Void, saveStates: @escaping @Sendable ([PublishedState]) -> Void,
        alertsFired: @escaping @Sendable ([FiredAlert]) -> Void,
        gaps: @escaping @Sendable ([GapChange]) -> Void = { _ in },
        quarantine: @escaping @Sendable ([QuarantineChange]) -> Void = { _ in }, publisher: any EventPublisher
    ) {
        self.record = record
        self.saveStates = saveStates
        self.alertsFired = alertsFired
        self.gaps = gaps
        self.quarantine = quarantine
        self.publisher = publisher
    }
}

/// A market state with the sequence number it was last published under.
public struct PublishedState: Sendable {
    /// The state of one symbol at one venue.
    public let state: MarketState
    /// The sequence of the newest `tick` on `ticker-SYMBOL@VENUE`.
    public let sequence: UInt64
}

/// What happens to a trade whose price nobody else has seen.
public enum QuarantineChange: Sendable, Hashable {
    /// It is held back under a number of this process.
    case held(number: UInt64, Trade)
    /// A second tick or another venue confirmed it: it went on its way.
    case released(number: UInt64)
}
