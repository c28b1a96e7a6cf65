public import Alerts
public import Market

/// An alert as a user orders it, before it has an id.
public struct AlertOrder: Sendable, Hashable {
    /// How long a headline and a text may be, in bytes: with its fields filled in a message must fit a push service's 4 KB.
    public static let titleBytesMax = 200
    /// See ``titleBytesMax``.
    public static let bodyBytesMax = 1_000

    /// Whose alert it is: the USER of the channel `private-alerts-USER`.
    public let user: String
    /// The instrument it watches.
    public let symbol: Symbol
    /// The venue it is bound to; `nil` follows the symbol's primary venue.
    public let venue: Venue?
    /// The condition with its options.
    public let expression: AlertExpression
    /// Where a firing is also posted to.
    public let webhookURL: String?
    /// The text of its notifications; `nil` for the standard one.
    public let template: AlertTemplate?
    /// How numbers are written in them, a BCP 47 tag; `nil` for the service's own.
    public let locale: String?

    /// Checks and makes an order.
    ///
    /// - Throws: ``StoreError/invalidUser(_:)``, ``StoreError/invalidWebhook(_:)`` or ``StoreError/invalidTemplate(_:)``.
    public init(
        user: String, symbol: Symbol, venue: Venue? = nil, expression: AlertExpression, webhookURL: String? = nil,
        template: AlertTemplate? = nil, locale: String? = nil
    ) throws(StoreError) {
        guard User.isValidID(user) else { throw .invalidUser(user) }
        try Self.check(webhookURL: webhookURL, template: template, locale: locale)
        self.user = user
        self.symbol = symbol
        self.venue = venue
        self.expression = expression
        self.webhookURL = webhookURL
        self.template = template
        self.locale = locale
    }

    static func check(webhookURL: String?, template: AlertTemplate?, locale: String?) throws(StoreError) {
        if let webhookURL, !Self.isWebhook(webhookURL) { throw .invalidWebhook(webhookURL) }
        for (what, text, limit) in [
            ("title", template?.title, Self.titleBytesMax), ("text", template?.body, Self.bodyBytesMax),
        ] {
            guard let text else { continue }
            if text.utf8.count > limit {
                throw .invalidTemplate(
                    "The \(what) of a template has \(text.utf8.count) bytes, \(limit) are allowed. Shorten it.")
            }
            if text.utf8.contains(0) { throw .invalidTemplate("The \(what) of a template holds a NUL. Remove it.") }
        }
        if let locale, !Self.isLocale(locale) {
            throw .invalidTemplate("'\(locale.prefix(60))' is not a locale. Write a BCP 47 tag, for example 'de-CH'.")
        }
    }

    /// An http or https URL with a host, of at most 2 048 printable ASCII characters; the sender checks the address.
    private static func isWebhook(_ text: String) -> Bool {
        let lower = text.lowercased()
        guard text.utf8.count <= 2_048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        for scheme in ["http://", "https://"] where lower.hasPrefix(scheme) {
            return lower.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }.contains { $0 != ":" }
        }
        return false
    }

    /// The form of RFC 5646: a language of 2 to 8 letters, and subtags of 1 to 8 letters and digits.
    private static func isLocale(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= 35, let language = parts.first, (2...8).contains(language.utf8.count) else {
            return false
        }
        return language.utf8.allSatisfy { Character(UnicodeScalar($0)).isLetter && $0 < 0x80 }
            && parts.allSatisfy { part in
                (1...8).contains(part.utf8.count)
                    && part.utf8.allSatisfy {
                        $0 < 0x80 && (Character(UnicodeScalar($0)).isLetter || Character(UnicodeScalar($0)).isNumber)
                    }
            }
    }
}
