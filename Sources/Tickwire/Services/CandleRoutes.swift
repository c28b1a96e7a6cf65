import Channels
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Market
import NIOCore
import Store

/// `GET /v1/candles/SYMBOL[@VENUE]?interval=1m&limit=120&since=…&until=…`: recorded candles, oldest first.
struct CandleRoutes: Sendable {
    let history: History
    /// Says why a symbol has no channels, or `nil` when it has.
    let problem: @Sendable (ChannelName) -> String?
    let logger: Logger

    /// The most candles of an answer.
    static let limitMax = 5_000
    /// How many come when no number is asked for.
    static let limitDefault = 500

    /// Adds the route.
    func add(to router: Router<BasicRequestContext>) {
        router.get("/v1/candles/{symbol}") { request, context in
            await self.answer(context.parameters.get("symbol") ?? "", request.uri.queryParameters)
        }
    }

    private struct Refusal: Error {
        let status: HTTPResponse.Status
        let text: String

        static func badRequest(_ text: String) -> Refusal { Refusal(status: .badRequest, text: text) }
    }

    private func answer(_ symbol: String, _ query: FlatDictionary<Substring, Substring>) async -> Response {
        do {
            let query = try self.query(symbol, query)
            let candles = try await self.history.candles(query)
            return Self.response(.ok, "{\"candles\":[\(candles.map(Self.json).joined(separator: ","))]}")
        } catch let refusal as Refusal {
            return Self.response(refusal.status, "{\"error\":\(JSONText.quoted(refusal.text))}")
        } catch {
            self.logger.warning("Candles not read", metadata: ["symbol": "\(symbol)", "error": "\(error)"])
            return Self.response(
                .serviceUnavailable, "{\"error\":\"The history cannot be read now. Try again shortly.\"}")
        }
    }

    private func query(_ text: String, _ query: FlatDictionary<Substring, Substring>) throws(Refusal) -> CandleQuery {
        let name = Query.decoded(text[...])
        let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let symbol: Symbol
        var venue: Venue?
        do {
            symbol = try Symbol(parts[0])
            if parts.count == 2 { venue = try Venue(parts[1]) }
        } catch { throw Refusal(status: .notFound, text: "\(error)") }
        if let channel = try? ChannelName("ticker-\(name)"), let problem = self.problem(channel) {
            throw Refusal(status: .notFound, text: problem)
        }
        let interval = try Self.interval(query["interval"])
        let since = try Self.time(query["since"], "since")
        let until = try Self.time(query["until"], "until")
        var limit = Self.limitDefault
        if let text = query["limit"] {
            guard let number = Int(text), (1...Self.limitMax).contains(number) else {
                throw .badRequest("limit is '\(text.prefix(20))': write a number from 1 to \(Self.limitMax)")
            }
            limit = number
        }
        return CandleQuery(
            symbol: symbol, venue: venue, interval: interval, since: since, until: until, count: .newest(limit))
    }

    private static func interval(_ text: Substring?) throws(Refusal) -> CandleInterval {
        guard let text else { return .minute }
        guard let interval = CandleInterval(String(text)) else {
            throw .badRequest("interval is '\(text.prefix(20))': write one such as 1s, 1m, 5m, 15m, 1h or 1d")
        }
        return interval
    }

    private static func time(_ text: Substring?, _ name: String) throws(Refusal) -> Timestamp? {
        guard let text else { return nil }
        guard let time = Timestamp(iso8601: Query.decoded(text)) else {
            throw .badRequest("\(name) is '\(text.prefix(40))': write an instant such as 2026-11-23T12:00:00Z")
        }
        return time
    }

    /// The members that `candle` has on a channel, without those that every candle of the answer shares.
    private static func json(_ candle: RecordedCandle) -> String {
        var members = [
            "\"start\":\"\(candle.start)\"", "\"open\":\"\(candle.open)\"", "\"high\":\"\(candle.high)\"",
            "\"low\":\"\(candle.low)\"", "\"close\":\"\(candle.close)\"", "\"volume\":\"\(candle.volume)\"",
        ]
        if let vwap = candle.vwap { members.append("\"vwap\":\"\(vwap)\"") }
        members.append("\"trades\":\(candle.tradeCount)")
        if candle.hasGap { members.append("\"hasGap\":true") }
        return "{\(members.joined(separator: ","))}"
    }

    private static func response(_ status: HTTPResponse.Status, _ json: String) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: json)))
    }
}
