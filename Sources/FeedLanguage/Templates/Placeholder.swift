import Market

/// What a placeholder of a feed file stands for.
enum Placeholder: Hashable, Sendable {
    /// `{symbol}`: the venue's spelling of one symbol.
    case symbol
    /// `{symbols}`: all of them.
    case symbols
    /// `{n}`: how many messages the connection has sent, this one included.
    case counter
    /// `{now_s}`, `{now_ms}`, `{now_iso}`: the wall clock when the text is sent.
    case now(TimeForm)
    /// `{uuid}`: a random UUID, version 4.
    case uuid
    /// `{channel}`: an id under which the venue has registered the symbol.
    case channel
    /// `{token}`: what a bootstrap request has captured under that name.
    case capture(String)
    /// `{$.path}`: a value of the frame that is answered.
    case frame(FieldPath)
    /// `{fromId}`, `{to_ms}`, …: a bound of what a request asks for.
    case bound(TickBounds.End, TimeForm?)
    /// `${NAME}` or `${NAME:default}`: an environment variable.
    case variable(String, fallback: String?)

    /// How a time is written.
    enum TimeForm: String, Hashable, Sendable, CaseIterable {
        case s, ms, ns, iso
    }

    /// The placeholders of fixed name that stand for a number where they stand alone.
    var isNumber: Bool {
        switch self {
        case .counter: true
        case .now(let form), .bound(_, .some(let form)): form != .iso
        case .symbol, .symbols, .uuid, .channel, .capture, .frame, .bound(_, nil), .variable: false
        }
    }
}

/// The ends that a placeholder can name.
extension TickBounds {
    enum End: String, Hashable, Sendable {
        case from, to
    }

    func id(_ end: End) -> String? { end == .from ? self.fromID : self.toID }

    func time(_ end: End) -> Timestamp? { end == .from ? self.fromTime : self.toTime }
}

/// Which placeholders a text may hold, by the place where it stands.
struct TemplateScope: Sendable {
    /// The kinds that not every text may hold.
    enum Kind: Hashable, Sendable {
        case symbols, counter, frame, channel, range
    }

    var kinds: Set<Kind>
    /// Names of bootstrap captures; `nil` where they do not exist yet.
    var captures: [String]?
    /// What the text is, for messages: "a header", "the reply".
    var place: String

    /// Every placeholder with a fixed name, and the kind that allows it.
    static let names: [(name: String, placeholder: Placeholder, kind: Kind?)] = [
        ("symbol", .symbol, .symbols), ("symbols", .symbols, .symbols), ("n", .counter, .counter),
        ("now_s", .now(.s), nil), ("now_ms", .now(.ms), nil), ("now_iso", .now(.iso), nil), ("uuid", .uuid, nil),
        ("channel", .channel, .channel), ("fromId", .bound(.from, nil), .range), ("toId", .bound(.to, nil), .range),
        ("from_s", .bound(.from, .s), .range), ("from_ms", .bound(.from, .ms), .range),
        ("from_ns", .bound(.from, .ns), .range), ("from_iso", .bound(.from, .iso), .range),
        ("to_s", .bound(.to, .s), .range), ("to_ms", .bound(.to, .ms), .range), ("to_ns", .bound(.to, .ns), .range),
        ("to_iso", .bound(.to, .iso), .range),
    ]

    /// Where a placeholder of a kind belongs, for messages.
    static func home(of kind: Kind) -> String {
        switch kind {
        case .symbols: "an address, 'subscribe' or 'unsubscribe'"
        case .counter: "a message to send"
        case .frame: "'reply'"
        case .channel: "'unsubscribe'"
        case .range: "'backfill'"
        }
    }

    /// The names that may stand here.
    var allowedNames: [String] {
        Self.names.filter { $0.kind.map(self.kinds.contains) ?? true }.map(\.name) + (self.captures ?? [])
    }
}
