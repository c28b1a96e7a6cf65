/// How far alerts were evaluated when an evaluator last stored it.
public struct AlertPosition: Sendable {
    /// Up to where all ticks of the journal are evaluated; `nil` for a journal that was never evaluated.
    public var place: JournalPlace?
    /// Every stream with alerts, where it was.
    ///
    /// A stream's own place is the beginning of a journal that it does not come from.
    public var streams: [AlertCheckpoint.StreamRow] = []
}
