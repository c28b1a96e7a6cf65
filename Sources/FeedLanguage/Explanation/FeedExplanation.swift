/// What a feed file will do, in plain words.
public struct FeedExplanation: Hashable, Sendable {
    /// Lines under a heading.
    public struct Section: Hashable, Sendable {
        /// The heading.
        public let title: String
        /// Sentences, one a line; those that begin with blanks belong to the line before.
        public let lines: [String]
    }

    /// In the order in which things happen.
    public let sections: [Section]

    /// The whole text: headings at the margin, sentences indented.
    public var text: String {
        self.sections.map { section in
            ([section.title] + section.lines.map { "  " + $0 }).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }
}
