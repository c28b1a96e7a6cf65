import Backplane
import NIOCore
import Testing

@testable import Gateway

@Suite("What clients have joined, and what other nodes are asked")
struct InterestTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func channel(_ name: String) -> InterestTable.Interest { .channel(ChannelKey(app: 0, name: name)) }

    @Test(
        "A derived channel needs the one it is made of",
        arguments: [
            ("ticker-BTC-USD;1s", "ticker-BTC-USD"), ("ticker-BTC-USD@kraken;delta", "ticker-BTC-USD@kraken"),
            ("candles-BTC-USD;1m", "candles-BTC-USD;1m"), ("chat", "chat"),
        ])
    func base(name: String, base: String) {
        #expect(InterestTable.Interest(app: 0, name: name) == self.channel(base))
        #expect(InterestTable.Interest(app: 0, name: "market;1s") == .tickers(0))
    }

    @Test("The first loop subscribes and asks, the last one to leave ends it after a moment")
    func lifecycle() {
        var table = InterestTable(linger: .seconds(2))
        table.isConnected = true
        let cache = self.channel("cache-x")
        #expect(table.begin(cache) == .init(isNew: true, mustAsk: true, isAwaiting: true))
        #expect(table.begin(cache) == .init(isNew: false, mustAsk: false, isAwaiting: true))
        table.settled(cache)
        table.end(cache, now: self.start)
        #expect(table.expire(now: self.start + .seconds(9)).isEmpty)
        table.end(cache, now: self.start)
        #expect(table.expire(now: self.start + .seconds(1)).isEmpty)
        #expect(table.begin(cache) == .init(isNew: false, mustAsk: false, isAwaiting: false))
        #expect(table.expire(now: self.start + .seconds(9)).isEmpty)
        table.end(cache, now: self.start)
        #expect(table.expire(now: self.start + .seconds(2)) == [cache])
        #expect(table.begin(cache).mustAsk)
    }

    @Test("Nobody waits for a channel that holds nothing, or without a connection")
    func nothingToAsk() {
        var table = InterestTable()
        #expect(table.begin(self.channel("cache-x")) == .init(isNew: true, mustAsk: false, isAwaiting: false))
        table.isConnected = true
        #expect(table.begin(self.channel("chat")) == .init(isNew: true, mustAsk: false, isAwaiting: false))
        #expect(table.begin(self.channel("private-ticker-X")).mustAsk)
    }

    @Test("A message that comes by two subscriptions is taken once; one that nobody wants is not")
    func duplicates() {
        var table = InterestTable()
        let key = ChannelKey(app: 0, name: "ticker-X")
        #expect(table.accepts(key, node: 1, number: 1) == false)
        _ = table.begin(.tickers(0))
        #expect(table.accepts(key, node: 1, number: 2) == true)
        _ = table.begin(.channel(key))
        #expect(table.accepts(key, node: 1, number: 3) == true)
        #expect(table.accepts(key, node: 1, number: 3) == false)
        #expect(table.accepts(key, node: 2, number: 3) == true)
        #expect(table.accepts(ChannelKey(app: 0, name: "ticker-X@kraken"), node: 1, number: 4) == false)
    }

    private let question = NodeMessage.Question(app: "3", channel: "cache-x")

    private func value(_ time: Int64) -> NodeMessage.Value {
        .init(app: "3", channel: "cache-x", name: "n", escapedData: Array("\(time)".utf8), time: time)
    }

    @Test("The newest answer wins when all have answered")
    func newest() {
        var table = AskTable()
        let number = table.begin([self.question], of: [1, 2], now: self.start)
        #expect(table.answered(1, number: number, isLast: true, [self.value(9)]).isEmpty)
        #expect(table.answered(3, number: number, isLast: true, [self.value(99)]).isEmpty, "nobody asked it")
        #expect(
            table.answered(2, number: number, isLast: true, [self.value(5)])
                == [.init(question: self.question, values: [self.value(9)])])
    }

    @Test("Who does not answer in time, or is gone, is not waited for")
    func silent() {
        var table = AskTable(timeout: .seconds(1))
        let number = table.begin([self.question], of: [1, 2], now: self.start)
        #expect(table.forget(1).isEmpty)
        #expect(table.expire(now: self.start + .milliseconds(999)).isEmpty)
        #expect(table.expire(now: self.start + .seconds(1)) == [.init(question: self.question, values: [])])
        #expect(table.answered(2, number: number, isLast: true, [self.value(5)]).isEmpty)
    }

    @Test("An answer in pieces ends with its last one; nobody to ask is an answer, too")
    func pieces() {
        var table = AskTable()
        let all = NodeMessage.Question(app: "3", channel: "")
        let number = table.begin([all], of: [1], now: self.start)
        #expect(table.answered(1, number: number, isLast: false, [self.value(5)]).isEmpty)
        #expect(
            table.answered(1, number: number, isLast: true, []) == [.init(question: all, values: [self.value(5)])])
        let lonely = table.begin([self.question], of: [], now: self.start)
        #expect(table.finishIfComplete(lonely) == [.init(question: self.question, values: [])])
    }
}
