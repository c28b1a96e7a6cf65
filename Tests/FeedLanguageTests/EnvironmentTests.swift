import FeedLanguage
import Market
import Testing

@Suite("Keys from the environment")
struct EnvironmentTests {
    private static let yaml = """
        feed: acme
        asset: stock
        connect:
          websocket: "wss://acme.test/${ACME_FEED:iex}?token=${ACME_KEY}"
          headers: {X-Plan: "${ACME_PLAN:free}"}
        subscribe: {send: {auth: "${ACME_SECRET}", s: ["{symbols}"], k: "${ACME_KEY:none}"}}
        messages: [{trade: {symbol: s, price: p}}]
        tests:
          - {frame: {s: AAPL, p: 1}, gives: {trade: {symbol: AAPL}}}
        """

    @Test("A feed without its keys loads and its tests run, and it says what is missing")
    func missing() throws {
        let feed = try Feed.load(yaml: Self.yaml, file: "acme.yaml")
        #expect(feed.runTests() == [])
        #expect(feed.variables.map(\.name) == ["ACME_FEED", "ACME_KEY", "ACME_PLAN", "ACME_SECRET"])
        #expect(feed.missingVariables == ["ACME_KEY", "ACME_SECRET"])
        let partly = try Feed.load(
            yaml: Self.yaml, file: "acme.yaml", environment: { ["ACME_KEY": "k", "ACME_SECRET": ""][$0] })
        #expect(partly.missingVariables == ["ACME_SECRET"])
    }

    @Test("Values are hidden in whatever is shown, in every form in which they are sent")
    func redacted() throws {
        let values = ["ACME_KEY": "pk/1+2", "ACME_SECRET": "top\"secret", "ACME_FEED": "sip", "ACME_PLAN": "free"]
        let feed = try Feed.load(yaml: Self.yaml, file: "acme.yaml", environment: { values[$0] })
        #expect(feed.missingVariables == [])
        #expect(feed.redacted("wss://acme.test/sip?token=pk%2F1%2B2 failed") == "wss://acme.test/sip?token=*** failed")
        #expect(feed.redacted(#"{"auth":"top\"secret","k":"pk/1+2"}"#) == #"{"auth":"***","k":"***"}"#)
        #expect(feed.redacted("free") == "free")
        var counter = 0
        // What is shown of a message is what the file says, never the value.
        #expect(
            feed.subscribeMessages(for: [try .init("AAPL")], counter: &counter)
                == [#"{"auth":"${ACME_SECRET}","s":["AAPL"],"k":"none"}"#])
        guard case .webSocket(let plan) = feed.transport else {
            Issue.record("not a WebSocket")
            return
        }
        #expect(plan.url(for: []) == "wss://acme.test/iex?token=%24%7BACME_KEY%7D")
    }
}
