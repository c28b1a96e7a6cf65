import Market
import Testing

@Suite("The rolling window and trades that come late")
struct RollingWindowOrderTests {
    @Test(
        "Backfilled trades fall into their minute: any order gives the window that the right order gives",
        arguments: UInt64(0)..<100)
    func anyOrder(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        // Distinct times over half an hour, so that the right order is one.
        let trades = try (0..<Int.random(in: 1...60, using: &random)).map { index in
            let second = Int64(index) * 29 + Int64.random(in: 0..<29, using: &random)
            return (
                price: try Decimal64(Int64.random(in: 90...110, using: &random)),
                time: Timestamp(nanoseconds: second * 1_000_000_000)
            )
        }
        let newest = try #require(trades.last)
        var expected = RollingWindow(minutes: 60)
        for trade in trades { expected.add(price: trade.price, size: try Decimal64(2), at: trade.time) }
        var window = RollingWindow(minutes: 60)
        for trade in trades.dropLast().shuffled(using: &random) + [newest] {
            window.add(price: trade.price, size: try Decimal64(2), at: trade.time)
        }
        #expect(window == expected)
        // The open of a later window is the close of the minutes that have left.
        for minute in [Int64(50), 61, 70, 80, 95] {
            let time = Timestamp(nanoseconds: minute * 60_000_000_000)
            window.advance(to: time)
            expected.advance(to: time)
            #expect([window.open, window.high, window.low] == [expected.open, expected.high, expected.low])
            #expect(window.volume == expected.volume)
        }
    }

    @Test("A trade that is backfilled into a stored minute keeps the minute's open")
    func storedMinute() throws {
        let price = { (text: String) throws in try #require(Decimal64(text)) }
        var window = RollingWindow(minutes: 10)
        window.add(
            RollingWindow.Bucket(
                minute: 5, open: try price("10"), high: try price("12"), low: try price("9"), close: try price("11"),
                volume: DecimalSum()
            ))
        window.add(price: try price("13"), size: nil, at: Timestamp(nanoseconds: 330_000_000_000))
        #expect(window.open == (try price("10")))
        #expect(window.high == (try price("13")))
    }
}
