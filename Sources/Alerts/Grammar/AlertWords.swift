/// An expression cut into words, and which of them is next.
struct AlertWords {
    /// A word and the character it starts at, counted from 1.
    struct Word: Equatable {
        let text: String
        let column: Int

        /// How keywords are compared.
        var lowercased: String { self.text.lowercased() }
    }

    private let words: [Word]
    private var position = 0
    /// Where something could be added at the end.
    private let endColumn: Int

    /// Cuts at blanks, and around the dots of a range.
    init(_ text: String) {
        var words: [Word] = []
        var current = ""
        var start = 1
        var column = 0
        func isDots(_ text: String) -> Bool { text.count >= 2 && text.allSatisfy { $0 == "." } }
        func finish() {
            if !current.isEmpty { words.append(Word(text: current, column: start)) }
            current = ""
        }
        var characters = text.makeIterator()
        var next = characters.next()
        while let character = next {
            next = characters.next()
            column += 1
            if character.isWhitespace {
                finish()
                continue
            }
            if character == ".", next == ".", !current.isEmpty, !current.allSatisfy({ $0 == "." }) { finish() }
            if isDots(current), character != "." { finish() }
            if current.isEmpty { start = column }
            current.append(character)
        }
        finish()
        self.words = words
        self.endColumn = words.last.map { $0.column + $0.text.count + 1 } ?? 1
    }

    /// The next word, if there is one.
    var next: Word? { self.position < self.words.count ? self.words[self.position] : nil }

    /// The word behind the next one.
    var second: Word? { self.position + 1 < self.words.count ? self.words[self.position + 1] : nil }

    /// Where the next word starts, or could.
    var column: Int { self.next?.column ?? self.endColumn }

    /// Takes the next word.
    mutating func take() -> Word? {
        guard let word = self.next else { return nil }
        self.position += 1
        return word
    }

    /// Takes the next word if it is `keyword`.
    mutating func take(_ keyword: String) -> Bool {
        guard self.next?.lowercased == keyword else { return false }
        self.position += 1
        return true
    }

    /// What is wrong with the next word when `what` is expected.
    func expected(_ what: String, hint: String? = nil) -> AlertSyntaxError {
        .expected(what, column: self.column, found: self.next?.text, hint: hint)
    }
}
