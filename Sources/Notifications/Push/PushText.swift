/// Text of a notification made harmless and short enough, by the rules of Unicode.
///
/// Sources: UAX #9 (bidirectional algorithm, explicit marks), UAX #29 (a `Character` is an extended grapheme cluster).
enum PushText {
    /// In what a service counts its limit.
    enum Unit {
        /// Bytes of UTF-8.
        case utf8
        /// Units of UTF-16, as JavaScript and Telegram count; never fewer than there are characters.
        case utf16

        func count(_ text: some StringProtocol) -> Int { self == .utf8 ? text.utf8.count : text.utf16.count }
    }

    /// Takes out what a screen cannot show and closes what would change the direction of the text behind it.
    ///
    /// - Parameters:
    ///   - text: Any text.
    ///   - keepsLines: Whether line feeds stay; otherwise they become blanks.
    /// - Returns: Without control characters; every explicit direction mark has its partner.
    static func clean(_ text: String, keepsLines: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: { self.isControl($0) || Bidi($0) != nil }) else { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in self.withUnixLines(text).unicodeScalars {
            if scalar == "\n" {
                scalars.append(keepsLines ? "\n" : " ")
            } else if scalar == "\t" {
                scalars.append(" ")
            } else if !self.isControl(scalar) {
                scalars.append(scalar)
            }
        }
        return self.balanced(String(scalars))
    }

    /// The longest beginning of `text` that fits, at a character's boundary, with `…` where something was left out.
    ///
    /// A single character that is longer than the limit, such as a letter under a thousand accents, is cut within. Direction
    /// marks that are left open are closed again, within the limit.
    ///
    /// - Parameters:
    ///   - text: Clean text.
    ///   - limit: At least 3.
    ///   - unit: What the limit counts.
    /// - Returns: At most `limit` units.
    static func truncated(_ text: String, to limit: Int, _ unit: Unit = .utf8) -> String {
        guard unit.count(text) > limit else { return text }
        let ellipsis = "…"
        var budget = limit - unit.count(ellipsis)
        // Closing marks need room too, and how many there are depends on where the cut falls.
        while budget > 0 {
            var kept = Substring(text.prefixFitting(budget, unit))
            while let last = kept.last, last.isWhitespace { kept.removeLast() }
            let closed = self.balanced(kept + ellipsis)
            if unit.count(closed) <= limit { return closed }
            budget -= max(1, unit.count(closed) - limit)
        }
        return unit.count(ellipsis) <= limit ? ellipsis : ""
    }

    /// Clean, on one line, and within `limit`.
    static func line(_ text: String, _ limit: Int, _ unit: Unit = .utf8) -> String {
        self.truncated(self.clean(text), to: limit, unit)
    }

    /// Clean, with its lines, and within `limit`.
    static func lines(_ text: String, _ limit: Int, _ unit: Unit = .utf8) -> String {
        self.truncated(self.clean(text, keepsLines: true), to: limit, unit)
    }

    /// CR LF and CR as LF, likewise the line and paragraph separators.
    private static func withUnixLines(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        var wasReturn = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\r", "\u{2028}", "\u{2029}", "\u{85}": scalars.append("\n")
            case "\n" where wasReturn: break
            default: scalars.append(scalar)
            }
            wasReturn = scalar == "\r"
        }
        return String(scalars)
    }

    /// C0, DEL, C1, the separators, interlinear annotation, and noncharacters.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFF9...0xFFFB, 0xFDD0...0xFDEF: true
        default: scalar.value & 0xFFFE == 0xFFFE
        }
    }

    /// What an explicit direction mark does.
    private enum Bidi {
        case opensEmbedding, closesEmbedding, opensIsolate, closesIsolate

        init?(_ scalar: Unicode.Scalar) {
            switch scalar.value {
            case 0x202A, 0x202B, 0x202D, 0x202E: self = .opensEmbedding
            case 0x202C: self = .closesEmbedding
            case 0x2066...0x2068: self = .opensIsolate
            case 0x2069: self = .closesIsolate
            default: return nil
            }
        }
    }

    /// `text` with closing marks for those that are open, and without closing marks that close nothing.
    ///
    /// At most 16 are open at once: further ones are left out.
    private static func balanced(_ text: some StringProtocol) -> String {
        guard text.unicodeScalars.contains(where: { Bidi($0) != nil }) else { return String(text) }
        var scalars = String.UnicodeScalarView()
        var open: [Bidi] = []
        for scalar in text.unicodeScalars {
            switch Bidi(scalar) {
            case nil: break
            case .opensEmbedding, .opensIsolate:
                guard open.count < 16, let mark = Bidi(scalar) else { continue }
                open.append(mark)
            case .closesEmbedding:
                guard open.last == .opensEmbedding else { continue }
                open.removeLast()
            case .closesIsolate:
                // Closes the embeddings within it too: UAX #9, BD9 and X6a.
                guard let index = open.lastIndex(of: .opensIsolate) else { continue }
                open.removeSubrange(index...)
            }
            scalars.append(scalar)
        }
        for mark in open.reversed() { scalars.append(mark == .opensIsolate ? "\u{2069}" : "\u{202C}") }
        return String(scalars)
    }
}

extension StringProtocol {
    /// The longest beginning of whole characters with at most `limit` units; of one giant character, whole scalars.
    fileprivate func prefixFitting(_ limit: Int, _ unit: PushText.Unit) -> String {
        var count = 0
        var end = self.startIndex
        while end < self.endIndex {
            let next = self.index(after: end)
            let size = unit.count(self[end..<next])
            if count + size > limit { break }
            count += size
            end = next
        }
        if end > self.startIndex { return String(self[..<end]) }
        var scalars = String.UnicodeScalarView()
        for scalar in self.unicodeScalars {
            count += unit == .utf8 ? UTF8.width(scalar) : UTF16.width(scalar)
            if count > limit { break }
            scalars.append(scalar)
        }
        return String(scalars)
    }
}
