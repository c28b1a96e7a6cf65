import Market
import Notifications
import Testing

@testable import Store
@testable import Tickwire

@Suite("Who is shown which price next")
struct LivePriceStateTests {
    private static let start = Timestamp(microseconds: 1_795_435_200_000_000)
    private static let cadence = Duration.seconds(15)

    private func at(_ seconds: Int64) -> Timestamp { Self.start.advanced(byNanoseconds: seconds * 1_000_000_000) }

    private func trade(_ prices: LatestPrices, _ price: String, venue: String = "sim", at seconds: Int64) throws {
        var state = MarketState(symbol: try Symbol("BTC-USD"), venue: try Venue(venue), asset: .crypto)
        state.apply(
            Trade(
                symbol: state.symbol, venue: state.venue, price: try #require(Decimal64(price)), size: nil, side: .buy,
                id: "1", eventTime: self.at(seconds), receivedTime: self.at(seconds)))
        prices.take([state])
    }

    private func channel(_ environment: APNsEnvironment = .production, id: String = "Y2g=") throws -> LiveChannel {
        LiveChannel(
            symbol: try Symbol("BTC-USD"), topic: "a.b", environment: environment, id: id, createdAt: Self.start,
            wantedAt: Self.start)
    }

    private func activity(
        _ id: Int64, user: String = "ann", kind: LiveActivity.Kind = .update, topic: String = "a.b"
    ) throws -> LiveActivity {
        LiveActivity(
            deviceID: id, user: user, device: APNsDevice(token: "aa", topic: topic, environment: .production),
            symbol: try Symbol("BTC-USD"), kind: kind, askedAt: Self.start, startedAt: nil, sentAt: nil,
            lastTimestamp: 0, hasSucceeded: true)
    }

    private func market(_ prices: LatestPrices, _ seconds: Int64, dead: Set<String> = []) -> LivePriceState.Market {
        LivePriceState.Market(prices: prices, deadFeeds: dead, now: self.at(seconds))
    }

    private func prices() throws -> LatestPrices { LatestPrices(venues: [try Venue("sim"), try Venue("other")]) }

    @Test("The venue of the settings that is not silent leads, and decimals are those of all that was seen")
    func latest() throws {
        let prices = try self.prices()
        let symbol = try Symbol("BTC-USD")
        #expect(prices.latest(symbol) == nil && prices.decimals(symbol) == nil)
        try self.trade(prices, "100.25", venue: "other", at: 0)
        #expect(prices.latest(symbol)?.price.venue.name == "other")
        try self.trade(prices, "101", at: 1)
        #expect(prices.latest(symbol)?.price.price == Decimal64("101"))
        #expect(prices.decimals(symbol) == 2)
        try self.trade(prices, "102", venue: "other", at: 31)
        #expect(prices.latest(symbol)?.price.venue.name == "other")
    }

    @Test("A push that is on its way is waited for, and what was not taken is told again")
    func sending() throws {
        let prices = try self.prices()
        var state = LivePriceState(cadence: Self.cadence)
        state.replace(channels: [try self.channel()])
        #expect(state.looked(self.market(prices, 0)).isEmpty)
        try self.trade(prices, "100", at: 0)
        let first = try #require(state.looked(self.market(prices, 0)).first)
        try self.trade(prices, "101", at: 20)
        #expect(state.looked(self.market(prices, 20)).isEmpty)
        state.ended(first.target, isTaken: false)
        #expect(state.looked(self.market(prices, 20, dead: ["sim"])).first?.push.state.isDelayed == true)
        // The same channel keeps its governor, another id begins anew.
        state.replace(channels: [try self.channel()])
        #expect(state.looked(self.market(prices, 21)).isEmpty && state.counters.channels == 1)
        state.replace(channels: [try self.channel(id: "bmV3")])
        #expect(state.looked(self.market(prices, 21)).count == 1)
    }

    @Test("A crossing lights up every channel of the symbol and the activities of its user alone")
    func crossing() throws {
        let prices = try self.prices()
        try self.trade(prices, "100", at: 0)
        var state = LivePriceState(cadence: Self.cadence)
        state.replace(channels: [try self.channel(), try self.channel(.sandbox)])
        state.replace(
            activities: [try self.activity(1), try self.activity(2, user: "bob")],
            thresholds: ["ann": [try Symbol("BTC-USD"): [try #require(Decimal64("101"))]]])
        for work in state.looked(self.market(prices, 0)) { state.ended(work.target, isTaken: true) }
        let own = LiveActivityAlert(title: "My secret plan", body: "sell")
        let crossing: (Bool) throws -> LivePriceState.Crossing = { isForAll in
            LivePriceState.Crossing(
                symbol: try Symbol("BTC-USD"), user: "ann", price: try #require(Decimal64("101")), time: self.at(1),
                text: own, isForAll: isForAll)
        }
        let work = try state.crossed(crossing(true), self.market(prices, 1))
        #expect(work.count == 3 && work.allSatisfy { $0.isUrgent && $0.push.priority == 10 })
        for item in work {
            switch item.target {
            case .channel:
                #expect(
                    item.push.event
                        == .update(alert: LiveActivityAlert(title: "BTC-USD 101", body: "The price crossed an alert")))
                #expect(item.push.relevance == nil)
            case .activity(let activity):
                #expect(activity.user == "ann" && item.push.event == .update(alert: own))
                #expect(item.push.relevance == 100)
            }
        }
        #expect(try state.crossed(crossing(false), self.market(prices, 30)).count == 1)
    }

    @Test("An activity is begun once, on the symbol's channel if it is the app's")
    func starts() throws {
        let prices = try self.prices()
        try self.trade(prices, "100", at: 0)
        var state = LivePriceState(cadence: Self.cadence)
        state.replace(channels: [try self.channel()])
        state.replace(
            activities: [
                try self.activity(1, kind: .start(attributesType: "A")),
                try self.activity(2, kind: .start(attributesType: "A"), topic: "c.d"),
            ], thresholds: [:])
        let due = state.startsDue(self.market(prices, 1))
        var updates: [Int64: LiveActivityStart.Updates] = [:]
        for (activity, push) in due {
            guard case .start(let start, let alert) = push.event else { continue }
            #expect(alert.title == "BTC-USD" && start.attributes == [PushField("symbol", "BTC-USD")])
            updates[activity.deviceID] = start.updates
        }
        #expect(updates == [1: .channel(id: "Y2g="), 2: .token])
        #expect(state.startsDue(self.market(prices, 2)).isEmpty)
        #expect(state.startsDue(self.market(prices, 20)).count == 2)
    }

    @Test("After eight hours an activity with a token of its own ends")
    func over() throws {
        let prices = try self.prices()
        try self.trade(prices, "100", at: 0)
        var state = LivePriceState(cadence: Self.cadence)
        state.replace(activities: [try self.activity(1)], thresholds: [:])
        let first = try #require(state.looked(self.market(prices, 0)).first)
        state.ended(first.target, isTaken: true)
        #expect(state.looked(self.market(prices, 8 * 3_600 - 1)).isEmpty)
        let last = try #require(state.looked(self.market(prices, 8 * 3_600)).first)
        #expect(last.push.isEnd && last.isUrgent)
        state.gone(last.target)
        #expect(state.looked(self.market(prices, 9 * 3_600)).isEmpty)
    }
}
