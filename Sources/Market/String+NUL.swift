extension String {
    /// The text with U+FFFD for each U+0000, which PostgreSQL and C cannot hold.
    public var withoutNUL: String {
        // Looked for among the bytes first: searching characters takes many times longer, and hardly any text has one.
        self.utf8.contains(0) ? self.replacing("\0", with: "\u{FFFD}") : self
    }
}
