/// A market channel whose events the gateway makes out of those of other channels.
///
/// ```
/// ticker-SYMBOL[@VENUE];INTERVAL          at most one tick an interval
/// ticker-SYMBOL[@VENUE];delta             changed fields only
/// ticker-SYMBOL[@VENUE];INTERVAL;delta    both
/// market;INTERVAL                         all symbols together
/// ```
///
/// The ticker may stand behind `private-` or `presence-`; it is then made of the channel with that prefix.
public enum QuoteChannel: Sendable, Hashable {
    /// Made of the channel `base`: with an interval, with changed fields only, or both.
    case ticker(base: String, interval: QuoteInterval?, isDelta: Bool)
    /// Made of the tickers of all symbols.
    case market(QuoteInterval)

    /// Whether a channel has ticks that others are made of.
    public enum Source: Sendable, Hashable {
        /// It has none.
        case none
        /// `ticker-SYMBOL`, one of those that `market` is made of.
        case primary
        /// `ticker-SYMBOL@VENUE`.
        case venue
        /// Either of them behind `private-` or `presence-`.
        case guarded
    }

    /// What `name`, a valid channel name, is derived from.
    ///
    /// `nil` when the channel is not a derived one, or when what stands behind its `;` means nothing.
    public init?(_ name: String) {
        guard let semicolon = name.utf8.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let base = name[..<semicolon]
        var parts = name[semicolon...].split(separator: ";", omittingEmptySubsequences: false).dropFirst()[...]
        if base == "market" {
            guard parts.count == 1, let interval = parts.first.flatMap({ QuoteInterval(rawValue: String($0)) }) else {
                return nil
            }
            self = .market(interval)
            return
        }
        guard Self.source(String(base)) != .none else { return nil }
        let interval = parts.first.flatMap { QuoteInterval(rawValue: String($0)) }
        if interval != nil { parts = parts.dropFirst() }
        let isDelta = parts.first == "delta"
        if isDelta { parts = parts.dropFirst() }
        guard parts.isEmpty, interval != nil || isDelta else { return nil }
        self = .ticker(base: String(base), interval: interval, isDelta: isDelta)
    }

    /// Whether others can be made of the channel `name`.
    public static func source(_ name: String) -> Source {
        let text = name.utf8
        if text.starts(with: "ticker-".utf8) {
            for byte in text {
                if byte == UInt8(ascii: ";") { return .none }
                if byte == UInt8(ascii: "@") { return text.contains(UInt8(ascii: ";")) ? .none : .venue }
            }
            return .primary
        }
        guard text.starts(with: "pr".utf8), !text.contains(UInt8(ascii: ";")) else { return .none }
        return text.starts(with: "private-ticker-".utf8) || text.starts(with: "presence-ticker-".utf8)
            ? .guarded : .none
    }

    /// Why nobody can join `name`, as far as what stands behind its first `;` goes.
    ///
    /// - Parameter name: A channel that begins with `ticker-` or `market`.
    /// - Returns: `nil` when that is fine.
    public static func problem(with name: String) -> String? {
        if name == "market" {
            return "Channel market: an interval is missing. Write market;1s, or one of \(QuoteInterval.list)."
        }
        guard let semicolon = name.firstIndex(of: ";"), QuoteChannel(name) == nil else { return nil }
        let options = name[name.index(after: semicolon)...]
        let isMarket = name[..<semicolon] == "market"
        let parts = Set(options.split(separator: ";", omittingEmptySubsequences: false).map(String.init))
        if !isMarket, parts.count == 2, parts.contains("delta"),
            let interval = parts.first(where: { QuoteInterval(rawValue: $0) != nil })
        {
            return "Channel \(name): write the interval first, \(name[..<semicolon]);\(interval);delta."
        }
        let choices =
            isMarket
            ? "Write one of \(QuoteInterval.list)."
            : "Write one of \(QuoteInterval.list), or delta, or both as in ;1s;delta."
        return "Channel \(name): '\(options)' is no variant. \(choices)"
    }
}
