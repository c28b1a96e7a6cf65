import Market
import Testing

@testable import Notifications

@Suite("Push text")
struct PushTextTests {
    @Test(
        "What a screen cannot show goes",
        arguments: [
            ("plain", "plain"), ("a\u{0}b", "ab"), ("a\tb", "a b"), ("a\nb", "a b"), ("a\r\nb", "a b"), ("a\rb", "a b"),
            ("a\u{7F}\u{85}b", "a b"), ("\u{FEFF}a\u{FFFF}", "a"), ("a\u{2028}b", "a b"), ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
        ])
    func clean(text: String, expected: String) {
        #expect(PushText.clean(text) == expected)
    }

    @Test("A body keeps its lines", arguments: [("a\nb", "a\nb"), ("a\r\nb\rc", "a\nb\nc"), ("a\u{2029}b", "a\nb")])
    func lines(text: String, expected: String) {
        #expect(PushText.clean(text, keepsLines: true) == expected)
    }

    @Test(
        "Direction marks get their partners",
        arguments: [
            ("\u{202E}abc", "\u{202E}abc\u{202C}"), ("\u{2067}abc", "\u{2067}abc\u{2069}"),
            ("abc\u{202C}\u{2069}", "abc"),
            ("\u{2067}a\u{202B}b\u{2069}c", "\u{2067}a\u{202B}b\u{2069}c"), ("\u{200F}שלום", "\u{200F}שלום"),
        ])
    func marks(text: String, expected: String) {
        #expect(PushText.clean(text).unicodeScalars.elementsEqual(expected.unicodeScalars))
    }

    @Test(
        "What is too long is cut at a character's boundary",
        arguments: [
            ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abc…"), ("ab cdefg", 6, "ab…"), ("éééé", 7, "éé…"),
            ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 30, "👩‍👩‍👧‍👦…"),
        ])
    func truncated(text: String, limit: Int, expected: String) {
        #expect(PushText.truncated(text, to: limit) == expected)
        #expect(expected.utf8.count <= limit)
    }

    @Test("One giant character is cut within")
    func giant() {
        let giant = "e" + String(repeating: "\u{301}", count: 500)
        let cut = PushText.truncated(giant, to: 20)
        #expect(cut.utf8.count <= 20)
        #expect(cut.hasPrefix("e\u{301}") || cut.unicodeScalars.first == "e")
    }

    @Test("Marks that a cut leaves open are closed within the limit")
    func cutMarks() {
        let text = String(repeating: "\u{2067}", count: 10) + String(repeating: "א", count: 100)
        let cut = PushText.truncated(text, to: 80)
        #expect(cut.utf8.count <= 80)
        let opening = cut.unicodeScalars.filter { $0 == "\u{2067}" }
        let closing = cut.unicodeScalars.filter { $0 == "\u{2069}" }
        #expect(!opening.isEmpty && opening.count == closing.count)
    }

    @Test("UTF-16 counts as Telegram counts")
    func utf16() {
        #expect(PushText.truncated("𝕏𝕏𝕏", to: 6, .utf16) == "𝕏𝕏𝕏")
        #expect(PushText.truncated("𝕏𝕏𝕏", to: 5, .utf16) == "𝕏𝕏…")
    }

    @Test("Any text, cut to any length, stays within it and is clean", arguments: UInt64(0)..<100)
    func property(number: UInt64) {
        var seed = SplitMix64(seed: number)
        let text = Samples.text(&seed)
        let limit = 3 + Int(seed.next() % 300)
        for unit in [PushText.Unit.utf8, .utf16] {
            let cut = PushText.lines(text, limit, unit)
            #expect(unit.count(cut) <= limit)
            #expect(PushText.clean(cut, keepsLines: true) == cut)
        }
    }
}
