public import Market

/// Why what was asked of a provider, besides its stream, did not come.
public enum FeedRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The venue has no feed here, or its file no such section.
    case notDescribed(venue: Venue, section: String)
    /// The feed file cannot spell the symbol.
    case unknownSymbol(Symbol, venue: Venue)
    /// The history, or the pages that may be asked for, end before the hole does; these were found.
    case incomplete([Trade], venue: Venue)
    /// The provider does not like the request.
    case refused(venue: Venue, reason: String)
    /// The provider does not want us: not tried again for a while.
    case denied(venue: Venue, reason: String)
    /// The provider wants us to wait longer than anyone would wait here, or too many requests wait before this one.
    case busy(venue: Venue, reason: String, wait: Duration)
    /// No answer after several tries.
    case unavailable(venue: Venue, reason: String)
    /// The answer is not a list of instruments.
    case unreadable(venue: Venue)
    /// The task that waited was cancelled.
    case cancelled

    /// Whether the same request may have an answer later.
    public var isTransient: Bool {
        switch self {
        case .busy, .unavailable: true
        case .notDescribed, .unknownSymbol, .incomplete, .refused, .denied, .unreadable, .cancelled: false
        }
    }

    /// One line for an operator.
    public var description: String {
        switch self {
        case .notDescribed(let venue, let section):
            "The feed file of \(venue) has no '\(section)': add it, or do without."
        case .unknownSymbol(let symbol, let venue):
            "The feed file of \(venue) has no name for \(symbol): add it to the table of 'symbols'."
        case .incomplete(let trades, let venue):
            "The history of \(venue) does not reach over the hole: \(trades.count) trades were found. Raise 'max' of the feed file's page if the venue keeps more."
        case .refused(let venue, let reason): "\(venue) refuses the request: \(reason). Check the feed file."
        case .denied(let venue, let reason): "\(venue) refuses us: \(reason). Check the key and the plan."
        case .busy(let venue, let reason, let wait): "\(venue) wants us to wait \(wait): \(reason). Try again later."
        case .unavailable(let venue, let reason): "\(venue) does not answer: \(reason). Try again later."
        case .unreadable(let venue):
            "The list of instruments of \(venue) is not JSON. Check the address under 'discover'."
        case .cancelled: "The request was cancelled."
        }
    }
}
