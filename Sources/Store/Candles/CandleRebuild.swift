public import Market

/// What a rebuild of candles has done, or has done so far.
public struct CandleRebuild: Sendable, Hashable {
    /// Days that are to be rebuilt.
    public var days = 0
    /// Days that are done.
    public var daysDone = 0
    /// Candles computed from the recorded trades, of all intervals.
    public var candles: Int64 = 0
    /// Candles that were missing or wrong and are right now, and those that had no trades and are gone.
    public var changed: Int64 = 0
    /// Days whose trades retention has dropped: their candles stay as they are.
    public var daysSkipped: [CivilDay] = []

    /// Nothing done.
    public init() {}
}
