import Market
import Testing

@testable import Notifications

@Suite("What is sent late says so")
struct LateNoticeTests {
    private let fired = Timestamp(microseconds: 1_795_435_200_000_000)

    private func after(_ seconds: Int64) -> Timestamp { self.fired.advanced(byNanoseconds: seconds * 1_000_000_000) }

    private func price(_ time: Timestamp, locale: String? = nil) throws -> LateNotice.Price {
        LateNotice.Price(
            try #require(Decimal64("64100")), time: time, format: PriceFormat(decimals: 2, locale: locale))
    }

    @Test("A minute is not late")
    func punctual() throws {
        #expect(try LateNotice(firedAt: self.fired, price: self.price(self.fired), now: self.after(60)) == nil)
        #expect(LateNotice(firedAt: self.fired, price: nil, now: self.after(-60)) == nil)
    }

    @Test("The present price is called so while it is fresh, and has its time when it is not")
    func texts() throws {
        let text: (Int64, LateNotice.Price?) -> String? = { seconds, price in
            LateNotice(firedAt: self.fired, price: price, now: self.after(seconds))?.text
        }
        #expect(text(61, nil) == "sent 1 min late")
        #expect(try text(300, self.price(self.after(290))) == "sent 5 min late, now 64100.00")
        #expect(
            try text(300, self.price(self.after(290), locale: "de")) == "sent 5 min late, now 64.100,00")
        #expect(
            try text(7_199, self.price(self.after(60))) == "sent 119 min late, last 64100.00 at 12:01:00 UTC")
        #expect(
            try text(90_000, self.price(self.after(60)))
                == "sent 25 h late, last 64100.00 at 2026-11-23 12:01:00 UTC")
    }

    @Test("It comes at the end of the text, but not into what somebody else wrote or nobody sees")
    func contents() throws {
        let notice = try #require(LateNotice(firedAt: self.fired, price: nil, now: self.after(600)))
        var content = PushContent(
            eventID: "e", title: "BTC-USD", body: "70001 on sim", threadID: "t", collapseID: "c",
            createdAt: self.fired, expiresAt: self.after(900))
        let told = notice.added(to: content)
        #expect(told.body == "70001 on sim; sent 10 min late" && told.data == [PushField("sentLate", "600")])
        content.isSilent = true
        #expect(notice.added(to: content) == content)
        content.isSilent = false
        content.finishedPayload = Array("{}".utf8)
        #expect(notice.added(to: content) == content)
    }
}
