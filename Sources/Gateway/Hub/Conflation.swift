/// What becomes of an event while its subscriber reads too slowly.
enum Conflation: UInt8, Sendable {
    /// It waits, and none is lost: trades, alerts, everything an application says.
    case none
    /// The newest one stands for those before it, and says in `merged` how many they were: `tick`.
    case tick
    /// The newest one stands for those before it: a candle that is not closed.
    case candle
    /// The channel's state stands for the changes that were missed: `;delta`.
    case state
    /// The newest tick of each symbol stands for those before it: `market`.
    case market
}
