/// What a venue says about our wish to have a symbol.
public enum SymbolState: Hashable, Sendable {
    /// Nothing yet: not asked for, or not answered.
    case pending
    /// The venue has said so, or sends its ticks.
    case subscribed
    /// The venue does not give it to us, in its own words.
    case refused(String)
}
