import Market

extension RequestTemplate {
    private var placeholders: [Placeholder] { self.url.placeholders + (self.body?.root.placeholders ?? []) }

    /// Whether a request names the symbols that it asks for.
    var mentionsSymbols: Bool { self.placeholders.contains { $0 == .symbol || $0 == .symbols } }

    /// Whether one request can name more than one symbol.
    var mentionsManySymbols: Bool {
        self.placeholders.contains(.symbols) || self.body?.root.mentionsSymbols ?? false
    }

    /// Whether a request names that end of a range.
    func mentions(_ end: TickBounds.End) -> Bool {
        self.placeholders.contains { placeholder in
            if case .bound(end, _) = placeholder { return true }
            return false
        }
    }
}
