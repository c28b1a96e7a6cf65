/// How a locale writes numbers: marks, groups and the percent sign.
///
/// Source: Unicode CLDR 46, `numbers/symbols` and `numbers/decimalFormats` of the locales named here, with Latin digits.
public struct NumberStyle: Hashable, Sendable {
    /// Between groups of digits.
    public let group: String
    /// Before the fraction.
    public let decimal: String
    /// Whether groups above the thousands have two digits: 12,34,567.
    public let hasPairs: Bool
    /// How many digits must stand before the first group: with 2, four-digit numbers are not grouped.
    public let leadingDigitsMin: Int
    /// The percent sign with what stands before it.
    public let percent: String

    private init(
        _ group: String, _ decimal: String, hasPairs: Bool = false, leadingDigitsMin: Int = 1, percent: String = "%"
    ) {
        self.group = group
        self.decimal = decimal
        self.hasPairs = hasPairs
        self.leadingDigitsMin = leadingDigitsMin
        self.percent = percent
    }

    /// `1,234,567.89`, `5%`.
    public static let english = NumberStyle(",", ".")
    /// `1.234.567,89`, `5 %`.
    public static let german = NumberStyle(".", ",", percent: "\u{A0}%")
    /// `1.234.567,89`, `5%`.
    public static let dutch = NumberStyle(".", ",")
    /// `1.234.567,89`, but `1234,5`; `5 %`.
    public static let spanish = NumberStyle(".", ",", leadingDigitsMin: 2, percent: "\u{A0}%")
    /// `1 234 567,89` with narrow blanks, `5 %`.
    public static let french = NumberStyle("\u{202F}", ",", percent: "\u{202F}%")
    /// `1 234 567,89`, `5 %`.
    public static let nordic = NumberStyle("\u{A0}", ",", percent: "\u{A0}%")
    /// `1 234 567,89`, but `1234,5`; `5%`.
    public static let polish = NumberStyle("\u{A0}", ",", leadingDigitsMin: 2)
    /// `1’234’567.89`, `5%`.
    public static let swiss = NumberStyle("’", ".")
    /// `12,34,567.89`, `5%`.
    public static let indian = NumberStyle(",", ".", hasPairs: true)

    /// The style of a locale such as `de`, `de-CH`, `de_CH.UTF-8`, `fr-Latn-CA` or `in`.
    ///
    /// A region that writes differently than its language has its own entry; an unknown language is written as English.
    /// Besides, `ch` and `in` name the Swiss and the Indian style.
    public init(locale: String) {
        let name = locale.lowercased().prefix { $0 != "." && $0 != "@" }
        let parts = name.split { $0 == "-" || $0 == "_" }.map(String.init)
        let language = parts.first ?? ""
        let region = parts.dropFirst().first { $0.count == 2 || ($0.count == 3 && $0.allSatisfy(\.isNumber)) }
        if let region, let style = Self.regions["\(language)-\(region)"] {
            self = style
        } else {
            self = Self.languages[language] ?? .english
        }
    }

    private static let languages: [String: NumberStyle] = [
        "ch": .swiss, "gsw": .swiss, "rm": .swiss,
        "in": .indian, "hi": .indian, "bn": .indian, "ta": .indian, "te": .indian, "mr": .indian, "gu": .indian,
        "pa": .indian, "ml": .indian, "kn": .indian,
        "de": .german, "da": .german, "ro": .german, "sl": .german, "hr": .german, "sr": .german,
        "nl": .dutch, "id": .dutch, "tr": .dutch, "el": .dutch, "vi": .dutch, "pt": .dutch, "is": .dutch,
        "es": .spanish, "it": NumberStyle(".", ",", leadingDigitsMin: 2),
        "ca": NumberStyle(".", ",", leadingDigitsMin: 2),
        "fr": .french,
        "sv": .nordic, "nb": .nordic, "no": .nordic, "nn": .nordic, "fi": .nordic, "cs": .nordic, "sk": .nordic,
        "ru": .nordic, "hu": NumberStyle("\u{A0}", ","), "uk": NumberStyle("\u{A0}", ","),
        "pl": .polish, "bg": .polish, "lv": .polish, "et": .polish, "lt": .nordic,
    ]

    private static let regions: [String: NumberStyle] = [
        "de-ch": .swiss, "de-li": .swiss, "it-ch": .swiss, "en-ch": .swiss, "de-at": .nordic,
        "fr-ch": NumberStyle("\u{202F}", ",", percent: "%"), "fr-ca": .nordic,
        "en-in": .indian, "en-za": NumberStyle("\u{A0}", ","), "pt-pt": .polish,
        "es-mx": .english, "es-us": .english, "es-419": .english, "es-pr": .english, "es-gt": .english,
        "es-ar": .german, "es-co": .german, "es-cl": .german, "es-uy": .german,
    ]

    /// Groups the digits of a number written with a point.
    func written(_ plain: String) -> String {
        let parts = plain.split(separator: ".", maxSplits: 1)
        let isNegative = plain.hasPrefix("-")
        let digits = Array(parts[0].drop { $0 == "-" })
        var text = ""
        for (index, digit) in digits.enumerated() {
            let rest = digits.count - index
            let isEdge = rest == 3 || (rest > 3 && (self.hasPairs ? rest % 2 == 1 : rest % 3 == 0))
            if index > 0, isEdge, digits.count >= 3 + self.leadingDigitsMin { text += self.group }
            text.append(digit)
        }
        return (isNegative ? "-" : "") + text + (parts.count > 1 ? self.decimal + parts[1] : "")
    }
}
