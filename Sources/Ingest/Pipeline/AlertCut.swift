public import Alerts

/// What the evaluator of a shard has found since it was asked before, at one moment between two batches of ticks.
///
/// Taken and stored as a whole it is exact: every tick before ``place`` is in it, and none behind.
public struct AlertCut: Sendable {
    /// All ticks of the shard before it have been evaluated.
    public var place: TickPlace
    /// Streams with alerts that had ticks.
    public var streams: [EvaluatedStream] = []
    /// Alerts that changed; the later of two of one alert counts.
    public var changes: [AlertMemory] = []
    /// What fired, in order.
    public var fired: [FiredAlert] = []
}
