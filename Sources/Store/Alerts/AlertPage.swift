public import Alerts
public import Market

/// Alerts as they were read, for an evaluator.
public struct AlertPage: Sendable {
    /// An alert, and since when it is what it is.
    public struct Entry: Sendable {
        /// The alert.
        public let alert: Alert
        /// When its user last changed it: ticks that were received before do not count for it.
        public let changedAt: Timestamp
    }

    /// By id.
    public internal(set) var entries: [Entry] = []
    /// Rows that cannot be read, with the reason: one of those keeps no other alert from being evaluated.
    public internal(set) var unreadable: [(id: Int64, reason: String)] = []
}
