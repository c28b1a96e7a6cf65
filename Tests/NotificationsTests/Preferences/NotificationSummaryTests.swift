import Market
import Notifications
import Testing

@Suite("A summary of notifications")
struct NotificationSummaryTests {
    private static let now = Timestamp(microseconds: 1_795_780_800_000_000)

    private static func content(
        _ number: Int, symbol: String? = nil, priority: NotificationPriority = .active
    ) throws -> PushContent {
        var content = PushContent(
            eventID: "alert-\(number)-1", title: "Title \(number)", body: "", threadID: "", collapseID: "",
            priority: priority, createdAt: Self.now, expiresAt: Self.now)
        content.symbol = try symbol.map { try Symbol($0) }
        return content
    }

    @Test("It says how many there are and of what, the newest first, and lists their events")
    func text() throws {
        var summary = NotificationSummary(try Self.content(1, symbol: "BTC-USD", priority: .passive))
        for (number, symbol) in [(2, "ETH-USD"), (3, nil), (4, "BTC-USD")] as [(Int, String?)] {
            summary.add(try Self.content(number, symbol: symbol))
        }
        let content = summary.content(due: Self.now)
        #expect(content.title == "4 more alerts" && content.body == "BTC-USD, Title 3, ETH-USD")
        #expect(content.eventID == "summary-alert-1-1" && content.collapseID == content.eventID)
        #expect(
            content.data == [PushField("count", "4"), PushField("events", "alert-4-1,alert-3-1,alert-2-1,alert-1-1")])
        #expect(content.priority == .active)
        #expect(content.remainingSeconds(at: Self.now) == 6 * 3_600)
        #expect(NotificationSummary(try Self.content(1)).content(due: Self.now).title == "1 more alert")
    }

    @Test("However many there are, it fits every service; the newest are listed")
    func bounded() throws {
        var summary = NotificationSummary(try Self.content(1, symbol: "S1"))
        for number in 2...5_000 { summary.add(try Self.content(number, symbol: "S\(number)")) }
        let content = summary.content(due: Self.now)
        #expect(content.title == "5000 more alerts")
        #expect(content.body == "S5000, S4999, S4998, S4997, S4996, S4995, S4994, S4993 …")
        #expect(summary.events.count == 20 && summary.events[0] == "alert-5000-1")
        var long = try Self.content(1)
        long.eventID = String(repeating: "x", count: 500)
        var two = NotificationSummary(long)
        two.add(long)
        #expect(two.events.count == 1 && two.count == 2)
    }
}
