/// Why ticks are missing.
public enum GapReason: String, Sendable, Hashable, CaseIterable {
    /// The venue's numbers have a hole although the connection stood.
    case sequence
    /// The connection was lost and made anew.
    case reconnect
    /// The connection was given up because nothing came any more.
    case stall
    /// The numbers of a connection's frames have a hole: any of its symbols may be concerned.
    case connection
}
