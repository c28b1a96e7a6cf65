/// A part of what a query's bounds hold.
public enum HistoryCount: Sendable, Hashable {
    /// The oldest so many.
    case first(Int)
    /// The newest so many.
    case newest(Int)
}
