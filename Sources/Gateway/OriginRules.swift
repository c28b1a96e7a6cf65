/// Which web pages may connect: the `Origin` of a browser's request against a list.
///
/// This protects users of browsers; a program can claim any origin, and one that names none is let in.
public struct OriginRules: Sendable, Equatable {
    private enum Rule: Equatable {
        /// `https://shop.example`: scheme, host and port as a browser sends them.
        case exact(String)
        /// `*.shop.example`: any host below, any scheme and port; kept with its dot.
        case below(String)
    }

    /// `nil` lets everybody in.
    private let rules: [Rule]?

    /// Every origin.
    public static let all = OriginRules(rules: nil)

    private init(rules: [Rule]?) {
        self.rules = rules
    }

    /// The origins of a list; `nil` when an entry is none, see ``isOrigin(_:)``.
    ///
    /// - Parameter list: `https://shop.example`, `https://shop.example:8443`, `*.shop.example`, or `*` for all.
    public init?(_ list: [String]) {
        guard list.allSatisfy({ Self.isOrigin($0) }) else { return nil }
        guard !list.contains("*") else {
            self.rules = nil
            return
        }
        self.rules = list.map { entry in
            let entry = entry.lowercased()
            return entry.hasPrefix("*.") ? .below(String(entry.dropFirst())) : .exact(entry)
        }
    }

    /// Whether a list may hold this entry.
    public static func isOrigin(_ entry: String) -> Bool {
        if entry == "*" { return true }
        func isHost(_ text: Substring) -> Bool {
            !text.isEmpty && text.utf8.allSatisfy { !#"/*?#@\ "'<>,"#.utf8.contains($0) && $0 > 0x20 && $0 < 0x7F }
        }
        if entry.hasPrefix("*.") { return isHost(entry.dropFirst(2)) }
        for scheme in ["https://", "http://"] where entry.lowercased().hasPrefix(scheme) {
            return isHost(entry.dropFirst(scheme.count))
        }
        return false
    }

    /// Whether no page is kept out.
    var allowsAll: Bool { self.rules == nil }

    /// Whether a request with this `Origin` may connect; `nil` is a client that is no browser.
    public func allows(_ origin: String?) -> Bool {
        guard let rules, let origin = origin?.lowercased() else { return true }
        return rules.contains { rule in
            switch rule {
            case .exact(let text): return text == origin
            case .below(let suffix):
                guard let host = origin.split(separator: "/").last else { return false }
                let name = host.prefix { $0 != ":" }
                return name.hasSuffix(suffix) && name.count > suffix.count
            }
        }
    }
}
