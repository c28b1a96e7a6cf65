import Crypto
import Foundation
import Market
import Testing

@testable import Notifications

/// Contents and readers that the suites share.
enum Samples {
    static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)  // 2026-11-23T12:00:00Z

    static func content(priority: NotificationPriority = .active) throws -> PushContent {
        var content = PushContent(
            eventID: "alert-42-3", title: "BTC-USD crossed above 70000", body: "70000.50 on coinbase at 12:00:00 UTC",
            threadID: "BTC-USD", collapseID: "alert-42", priority: priority, createdAt: Self.now,
            expiresAt: Self.now.advanced(by: .seconds(900)))
        content.subtitle = "Coinbase"
        content.symbol = try Symbol("BTC-USD")
        content.link = "https://example.com/?symbol=BTC-USD"
        content.imageURL = "https://example.com/chart.png"
        content.badge = 3
        content.category = "PRICE_ALERT"
        content.relevance = 0.75
        content.data = [PushField("alert", "42"), PushField("symbol", "BTC-USD"), PushField("venue", "coinbase")]
        content.actions = [
            PushAction(id: "snooze", title: "Snooze", link: "https://example.com/snooze"),
            PushAction(id: "rearm", title: "Re-arm"),
        ]
        content.sparkline = [0, 50, 100]
        return content
    }

    /// The members of a JSON object.
    static func object(_ bytes: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    static func object(_ object: [String: Any], _ path: String...) throws -> [String: Any] {
        try path.reduce(object) { try #require($0[$1] as? [String: Any], "no object \($1)") }
    }

    static func answer(_ status: Int, _ body: String = "", _ headers: [NotificationHeader] = []) -> PushOutcome {
        .answered(PushResponse(status: status, headers: headers, body: Array(body.utf8)))
    }

    static let device = APNsDevice(
        token: String(repeating: "ab", count: 32), topic: "com.example.prices", environment: .production)

    /// Text that breaks what is naive: controls, marks, clusters, astral planes, markup, quotes.
    static func text(_ seed: inout SplitMix64) -> String {
        let pieces = [
            "a", " ", "\u{0}", "\n", "\r\n", "\t", "\"", "\\", "é", "e\u{301}", "👩‍👩‍👧‍👦", "🇩🇪", "\u{202E}", "\u{2067}",
            "\u{2069}",
            "\u{202C}", "שלום", "日本語", "<b>", "&amp;", "@everyone", "<!channel>", "*_~`", "\u{7F}", "\u{85}",
            "\u{FEFF}",
            "\u{FFFF}", "\u{10FFFF}", "Z\u{300}\u{301}\u{302}\u{303}", "𝕏", ":smile:", "\u{2028}", "']}//",
        ]
        let count = Int(seed.next() % 4) == 0 ? Int(seed.next() % 3_000) : Int(seed.next() % 40)
        return (0..<count).map { _ in pieces[Int(seed.next() % UInt64(pieces.count))] }.joined()
    }

    /// A content of such texts, with names that no service reserves.
    static func wildContent(_ number: UInt64) -> PushContent {
        var seed = SplitMix64(seed: number)
        var content = PushContent(
            eventID: Self.text(&seed), title: Self.text(&seed), body: Self.text(&seed), threadID: Self.text(&seed),
            collapseID: Self.text(&seed), priority: NotificationPriority.allCases[Int(seed.next() % 3)],
            createdAt: Self.now, expiresAt: Self.now.advanced(by: .seconds(Int64(seed.next() % 4_000_000))))
        content.subtitle = seed.next() % 2 == 0 ? Self.text(&seed) : nil
        content.link = seed.next() % 2 == 0 ? Self.text(&seed) : "https://example.com/\(number)"
        content.imageURL = seed.next() % 2 == 0 ? Self.text(&seed) : "https://example.com/\(number).png"
        content.sound = Self.text(&seed)
        content.badge = Int(truncatingIfNeeded: seed.next())
        content.relevance = Double(bitPattern: seed.next())
        content.category = Self.text(&seed)
        content.localization = PushLocalization(
            titleKey: Self.text(&seed), titleArguments: (0..<20).map { _ in Self.text(&seed) },
            bodyKey: Self.text(&seed), bodyArguments: [Self.text(&seed)])
        content.data = (0..<Int(seed.next() % 9)).map { PushField("x\($0)" + Self.text(&seed), Self.text(&seed)) }
        content.actions = (0..<Int(seed.next() % 6)).map { _ in
            PushAction(id: Self.text(&seed), title: Self.text(&seed), link: Self.text(&seed))
        }
        content.sparkline = (0..<Int(seed.next() % 50)).map { _ in Int(truncatingIfNeeded: seed.next()) }
        content.isSilent = seed.next() % 5 == 0
        return content
    }
}
