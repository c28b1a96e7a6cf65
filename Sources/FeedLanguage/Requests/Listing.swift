public import Market

/// An instrument that a provider lists.
public struct Listing: Hashable, Sendable {
    /// The provider's own name of it, as the feed would ask for it.
    public let native: String
    /// What to subscribe to; `nil` when the feed file has no spelling that leads to this instrument.
    public let symbol: Symbol?

    /// Makes a listing.
    public init(native: String, symbol: Symbol?) {
        self.native = native
        self.symbol = symbol
    }
}
