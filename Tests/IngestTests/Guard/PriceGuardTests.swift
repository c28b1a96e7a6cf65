import FeedLanguage
import Market
import Testing

@testable import Ingest

@Suite("The guard: prices that nobody else has seen")
struct PriceGuardTests {
    @Test(
        "The band is exact and inclusive, in both directions",
        arguments: [
            ("100", "110", true), ("100", "110.01", false), ("100", "90", true), ("100", "89.99", false),
            ("0.00000123", "0.00000135", true), ("0.00000123", "0.00000136", false),
            ("64250.123456789", "70675.1358", true), ("64250.123456789", "70681.6", false),
            ("1", "1000000000000000000000", false), ("1000000000000000000000", "1", false),
        ])
    func edges(reference: String, price: String, isInside: Bool) throws {
        let tickGuard = TestGuard(band: .crypto)
        #expect(tickGuard.take(try makeTrade(reference, id: "1")))
        #expect(tickGuard.take(try makeTrade(price, id: "2")) == isInside)
    }

    @Test("The quick way and the exact one agree, whatever prices come", arguments: UInt64(0)..<100)
    func quickBounds(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let band = GuardBand(percent: Int.random(in: 1...100, using: &random))
        var prices = PriceGuard(band: band)
        let exponent = Int.random(in: -10...3, using: &random)
        var mantissa = Int64.random(in: 1...1_000_000_000, using: &random)
        var reference: Decimal64?
        for second in Int64(0)..<50 {
            let spread = max(1, mantissa / Int64.random(in: 2...60, using: &random))
            mantissa = max(1, mantissa + Int64.random(in: -spread...spread, using: &random))
            var trade = try makeTrade(second: second)
            trade.price = try Decimal64(mantissa: mantissa, exponent: exponent)
            let expected = reference.map { band.contains(trade.price, around: $0) } ?? true
            #expect((prices.judge(trade) == .inside) == expected)
            guard expected else { continue }
            prices.accept(trade.price, at: trade.receivedTime)
            reference = trade.price
        }
    }

    @Test("One outlier is held back, and the next normal trade leaves it in quarantine")
    func singleOutlier() throws {
        let tickGuard = TestGuard()
        #expect(tickGuard.take(try makeTrade("100", id: "1", second: 1)))
        #expect(!tickGuard.take(try makeTrade("150", id: "2", second: 2)))
        #expect(tickGuard.take(try makeTrade("101", id: "3", second: 3)))
        #expect(tickGuard.released.isEmpty)
        #expect(tickGuard.value.prices.held.isEmpty)
        #expect(!tickGuard.take(try makeTrade("151", id: "4", second: 4)))
    }

    @Test("A second trade near the first outlier confirms both, in order, and the level is the new reference")
    func confirmed() throws {
        let tickGuard = TestGuard()
        _ = tickGuard.take(try makeTrade("100", id: "1", second: 1))
        #expect(!tickGuard.take(try makeTrade("150", id: "2", second: 2)))
        #expect(!tickGuard.take(try makeTrade("200", id: "3", second: 3)))
        #expect(tickGuard.take(try makeTrade("152", id: "4", second: 4)))
        #expect(tickGuard.released == ["150"])
        #expect(tickGuard.take(try makeTrade("153", id: "5", second: 5)))
        #expect(!tickGuard.take(try makeTrade("100", id: "6", second: 6)))
    }

    @Test("A late trade at the old level does not speak against the new one")
    func lateTradeRefutesNothing() throws {
        let tickGuard = TestGuard()
        _ = tickGuard.take(try makeTrade("100", id: "1", second: 10))
        #expect(!tickGuard.take(try makeTrade("150", id: "2", second: 20)))
        #expect(tickGuard.take(try makeTrade("100", id: "3", second: 19)))
        #expect(tickGuard.take(try makeTrade("150", id: "4", second: 21)))
        #expect(tickGuard.released == ["150"])
    }

    @Test("The middle of a recent quote is a witness; an old or a crossed one is not")
    func quoteWitness() throws {
        for (bid, ask, second, isTaken) in [
            ("149", "151", Int64(1), true), ("149", "151", Int64(-60), false), ("152", "148", Int64(1), false),
            ("99", "101", Int64(1), false),
        ] {
            let tickGuard = TestGuard()
            _ = tickGuard.take(try makeTrade("100", id: "1", second: 1))
            tickGuard.examine(try makeQuote(bid, ask, second: second))
            #expect(tickGuard.take(try makeTrade("150", id: "2", second: 2)) == isTaken)
        }
    }

    @Test(
        "The band widens with silence, up to five times",
        arguments: [
            (Int64(59), "111", false), (60, "112", true), (300, "120", true), (300, "121", false),
            (7200, "150", true), (720_000, "151", false),
        ])
    func silence(seconds: Int64, price: String, isTaken: Bool) throws {
        let tickGuard = TestGuard()
        _ = tickGuard.take(try makeTrade("100", id: "1"))
        #expect(tickGuard.take(try makeTrade(price, id: "2", second: seconds)) == isTaken)
    }

    @Test("Stocks have a narrower band, and no band judges nothing")
    func bands() throws {
        let stock = TestGuard(band: .stock)
        _ = stock.take(try makeTrade("100", id: "1"))
        #expect(!stock.take(try makeTrade("106", id: "2")))
        let off = TestGuard(band: GuardBand(percent: 0))
        _ = off.take(try makeTrade("100", id: "1"))
        #expect(off.take(try makeTrade("9000", id: "2")))
    }

    @Test("What is held back has a bound and ends: the oldest go, and nothing is confirmed after ten minutes")
    func bounds() throws {
        var prices = PriceGuard(band: .crypto)
        for number in 0..<UInt64(20) { prices.hold(try makeTrade("150", second: 1), number: number) }
        #expect(prices.held.count == PriceGuard.heldMax)
        let price = try #require(Decimal64("150"))
        let tooLate = prices.release(confirmedBy: price, at: Timestamp(nanoseconds: 602_000_000_000))
        let inTime = prices.release(confirmedBy: price, at: Timestamp(nanoseconds: 601_000_000_000))
        #expect(tooLate.isEmpty)
        #expect(inTime.map(\.number) == Array(4..<20))
    }

    @Test("The last price from before a restart is the reference")
    func seeded() throws {
        let tickGuard = TestGuard()
        tickGuard.seed(try #require(Decimal64("100")))
        #expect(!tickGuard.take(try makeTrade("150", id: "1", second: 1)))
    }

    @Test("Backfilled trades are not judged by today's price")
    func backfilled() throws {
        let tickGuard = TestGuard()
        _ = tickGuard.take(try makeTrade("100", id: "1"))
        #expect(tickGuard.take(try makeTrade("150", id: "2", flags: .backfilled)))
        #expect(!tickGuard.take(try makeTrade("150", id: "3")))
    }
}
