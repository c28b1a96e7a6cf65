/// How often a derived market channel sends at most.
public enum QuoteInterval: String, Sendable, Hashable, CaseIterable {
    /// Ten times a second.
    case tenth = "100ms"
    /// Four times a second.
    case quarter = "250ms"
    /// Twice a second.
    case half = "500ms"
    /// Once a second.
    case second = "1s"
    /// Every five seconds.
    case fiveSeconds = "5s"
    /// Once a minute.
    case minute = "1m"

    /// All intervals as an error message lists them.
    public static let list = Self.allCases.map(\.rawValue).joined(separator: ", ")

    /// The interval in milliseconds.
    public var milliseconds: Int64 {
        switch self {
        case .tenth: 100
        case .quarter: 250
        case .half: 500
        case .second: 1000
        case .fiveSeconds: 5000
        case .minute: 60_000
        }
    }
}
