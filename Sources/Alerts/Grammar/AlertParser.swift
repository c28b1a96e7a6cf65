public import Market

/// Reads an alert expression word by word.
struct AlertParser {
    /// The words that are left.
    var words: AlertWords
    /// What relative times are counted from; `nil` when that is not known.
    let now: Timestamp?

    init(_ text: String, now: Timestamp?) throws(AlertSyntaxError) {
        let characters = text.count
        guard characters <= AlertLimits.expressionCharacters else { throw .tooLong(characters: characters) }
        self.words = AlertWords(text)
        self.now = now
    }

    mutating func parseExpression() throws(AlertSyntaxError) -> AlertExpression {
        let condition = try self.parseCondition()
        let (options, columns) = try self.parseOptions()
        let expression = AlertExpression(condition: condition, options: options)
        try AlertChecks(expression: expression, columns: columns).check()
        return expression
    }

    mutating func parseEnd() throws(AlertSyntaxError) {
        guard let word = self.words.next else { return }
        let isOption = AlertVocabulary.options.contains(word.lowercased)
        throw self.words.expected("the end", hint: isOption ? "a condition alone has no options here" : nil)
    }

    /// Takes one of `keywords` and returns it in lower case.
    ///
    /// - Parameters:
    ///   - keywords: What fits.
    ///   - other: What else fits, in words.
    ///   - hint: What is said when the word resembles none of them.
    /// - Returns: The word.
    /// - Throws: ``AlertSyntaxError``.
    mutating func parseKeyword(
        _ keywords: [String], or other: String? = nil, hint: String? = nil
    ) throws(AlertSyntaxError) -> String {
        if let word = self.words.next?.lowercased {
            if keywords.contains(word) {
                _ = self.words.take()
                return word
            }
            let meant = AlertVocabulary.hint(for: word, among: keywords)
            throw self.words.expected(AlertVocabulary.list(keywords, or: other), hint: meant ?? hint)
        }
        throw self.words.expected(AlertVocabulary.list(keywords, or: other))
    }
}

extension AlertCondition {
    /// Reads a condition without options, in any letter case.
    ///
    /// - Throws: ``AlertSyntaxError`` with the column and what fits there.
    public init(parsing text: String) throws(AlertSyntaxError) {
        var parser = try AlertParser(text, now: nil)
        self = try parser.parseCondition()
        try parser.parseEnd()
    }
}

extension AlertExpression {
    /// Reads a condition followed by its options, in any order, letter case ignored.
    ///
    /// The canonical form of what was read is its `description`.
    ///
    /// - Parameters:
    ///   - text: What the user wrote, or the canonical form.
    ///   - now: The time it is, for a new alert: `until` may then be relative (`until 7d`), and must not be past. `nil` when
    ///     a stored expression is read.
    /// - Throws: ``AlertSyntaxError`` with the column and what fits there.
    public init(parsing text: String, now: Timestamp? = nil) throws(AlertSyntaxError) {
        var parser = try AlertParser(text, now: now)
        self = try parser.parseExpression()
    }
}
