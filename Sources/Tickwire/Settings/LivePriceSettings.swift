public import Market

/// Live prices on lock screens.
public struct LivePriceSettings: Hashable, Sendable {
    /// Whose prices may be shown.
    public enum Symbols: Hashable, Sendable {
        /// Every symbol that an app asks for.
        case all
        /// These.
        case listed(Set<Symbol>)

        /// Whether a symbol is one of them.
        public func contains(_ symbol: Symbol) -> Bool {
            switch self {
            case .all: true
            case .listed(let symbols): symbols.contains(symbol)
            }
        }
    }

    /// Whose prices may be shown; `nil` is nobody's, and nothing is sent.
    public var symbols: Symbols?
    /// Seconds between two silent updates of a symbol.
    public var cadenceSeconds = 15
    /// Whose alerts may light up every screen that shows the symbol; `nil` is everybody's.
    public var alertUsers: Set<String>?

    /// Off.
    public init() {}

    /// Seconds between two silent updates that may be set: devices show no more than one in about 15.
    public static let cadenceRange = 1...3_600
}
