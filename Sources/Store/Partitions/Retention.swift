/// How long ticks are kept, in whole UTC days; candles are kept for ever.
public struct Retention: Sendable, Hashable {
    /// Days of trades to keep before today, at least 1; `nil` keeps them for ever.
    public var tradeDays: Int?
    /// Days of quotes to keep before today, at least 1; `nil` keeps them for ever.
    public var quoteDays: Int?

    /// Makes a policy; without arguments everything is kept.
    public init(tradeDays: Int? = nil, quoteDays: Int? = nil) {
        self.tradeDays = tradeDays.map { max($0, 1) }
        self.quoteDays = quoteDays.map { max($0, 1) }
    }
}
