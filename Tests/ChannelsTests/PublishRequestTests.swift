import Testing

@testable import Channels

@Suite("Bodies of publish requests")
struct PublishRequestTests {
    private func event(
        _ body: String,
        query: String = "",
        limits: PublishRequest.Limits = .init()
    ) throws -> PublishRequest.Event {
        let request = try Array(body.utf8).withUnsafeBufferPointer {
            try PublishRequest.event(body: $0, query: Query(parsing: query[...]), limits: limits)
        }
        return try #require(request.events.first)
    }

    private func batch(_ body: String, limits: PublishRequest.Limits = .init()) throws -> [PublishRequest.Event] {
        try Array(body.utf8).withUnsafeBufferPointer { try PublishRequest.batch(body: $0, limits: limits).events }
    }

    private func failure(_ body: () throws -> some Any) -> String {
        do {
            _ = try body()
            return ""
        } catch { return "\(error)" }
    }

    @Test("channel and channels both work; a channel named twice counts once")
    func channels() throws {
        let one = try self.event(#"{"name":"e","data":"d","channel":"a"}"#)
        #expect(one.channels.map(\.text) == ["a"] && one.name == "e" && one.escapedData == Array("d".utf8))
        let several = try self.event(#"{"name":"e","data":"d","channels":["a","b","a"]}"#)
        #expect(several.channels.map(\.text) == ["a", "b"])
    }

    @Test("data keeps its escapes; an object becomes its JSON text")
    func data() throws {
        #expect(
            try self.event(#"{"name":"e","channel":"a","data":"{\"a\":\"\u00e9\"}"}"#).escapedData
                == Array(#"{\"a\":\"\u00e9\"}"#.utf8))
        #expect(
            try self.event(#"{"name":"e","channel":"a","data":{"a": "b"}}"#).escapedData
                == Array(#"{\"a\": \"b\"}"#.utf8))
        #expect(try self.event(#"{"name":"e","channel":"a","data":5}"#).escapedData == Array("5".utf8))
    }

    @Test("socket_id and info are read")
    func options() throws {
        let event = try self.event(
            #"{"name":"e","data":"","channel":"a","socket_id":"1.2","info":"user_count,subscription_count,x"}"#)
        #expect(event.excludedSocketID?.description == "1.2")
        #expect(event.info == [.userCount, .subscriptionCount])
        #expect(try self.event(#"{"name":"e","data":"","channel":"a"}"#).info == nil)
    }

    @Test("Parameters may stand in the query")
    func query() throws {
        let event = try self.event("", query: "name=e&data=%7B%22a%22%3A1%7D&channels[]=a&channels%5B%5D=b")
        #expect(event.channels.map(\.text) == ["a", "b"])
        #expect(event.escapedData == Array(#"{\"a\":1}"#.utf8))
    }

    @Test(
        "What is missing or wrong is named",
        arguments: [
            ("", "Missing parameter 'name'"), ("{", "Invalid JSON"), ("[]", "Invalid JSON"),
            (#"{"data":"d","channel":"a"}"#, "Missing parameter 'name'"),
            (#"{"name":"e","channel":"a"}"#, "Missing parameter 'data'"),
            (#"{"name":"e","channel":"a","data":null}"#, "Missing parameter 'data'"),
            (#"{"name":"e","data":"d"}"#, "Missing parameter 'channels'"),
            (#"{"name":"e","data":"d","channels":[]}"#, "The event has 0 channels"),
            (#"{"name":"e","data":"d","channel":"a b"}"#, "Invalid channel name 'a b'"),
            (#"{"name":"pusher:x","data":"d","channel":"a"}"#, "The event name 'pusher:x' is reserved"),
            (
                #"{"name":"pusher_internal:x","data":"d","channel":"a"}"#,
                "The event name 'pusher_internal:x' is reserved"
            ),
            (#"{"name":"e","data":"d","channel":"a","socket_id":"x"}"#, "Invalid socket id 'x'"),
            (#"{"name":"e","data":"d","channels":["a","private-encrypted-b"]}"#, "Cannot publish to several channels"),
        ]
    )
    func invalid(body: String, message: String) {
        #expect(self.failure { try self.event(body) }.hasPrefix(message))
    }

    @Test("100 channels are allowed, 101 are not; event names may have 200 characters")
    func counts() {
        func body(_ count: Int) -> String {
            #"{"name":"e","data":"d","channels":[\#((0..<count).map { "\"c\($0)\"" }.joined(separator: ","))]}"#
        }
        #expect(self.failure { try self.event(body(100)) }.isEmpty)
        #expect(self.failure { try self.event(body(101)) }.hasPrefix("The event has 101 channels"))
        func named(_ count: Int) -> String {
            #"{"name":"\#(String(repeating: "n", count: count))","data":"d","channel":"c"}"#
        }
        #expect(self.failure { try self.event(named(200)) }.isEmpty)
        #expect(self.failure { try self.event(named(201)) }.contains("longer than 200"))
    }

    @Test("Data at the limit passes, one byte more does not; escapes do not count")
    func size() {
        let limits = PublishRequest.Limits(dataBytesMax: 4)
        #expect(self.failure { try self.event(#"{"name":"e","channel":"c","data":"abcd"}"#, limits: limits) }.isEmpty)
        #expect(
            self.failure { try self.event(#"{"name":"e","channel":"c","data":"\"\"\"\""}"#, limits: limits) }.isEmpty)
        #expect(
            self.failure { try self.event(#"{"name":"e","channel":"c","data":"abcde"}"#, limits: limits) }.contains(
                "5 bytes")
        )
    }

    @Test("A batch has up to the limit of events, each with one channel")
    func batch() throws {
        func body(_ count: Int) -> String {
            #"{"batch":[\#((0..<count).map { #"{"name":"e\#($0)","channel":"c","data":"d"}"# }.joined(separator: ","))]}"#
        }
        #expect(try self.batch(body(10)).map(\.name) == (0..<10).map { "e\($0)" })
        #expect(self.failure { try self.batch(body(11)) }.hasPrefix("The batch has 11 events, at most 10"))
        #expect(try self.batch(body(11), limits: .init(batchMax: 100)).count == 11)
        #expect(try self.batch(body(0)).isEmpty)
        #expect(self.failure { try self.batch("{}") }.hasPrefix("Missing parameter 'batch'"))
        #expect(
            self.failure { try self.batch(#"{"batch":[{"name":"e","data":"d"}]}"#) }.hasPrefix(
                "Missing parameter 'channel'"))
    }

    @Test("A body that is not UTF-8 is refused")
    func utf8() {
        let body = Array(#"{"name":"e","channel":"c","data":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        #expect(throws: PublishRequest.Failure.invalid("The body is not valid UTF-8")) {
            try body.withUnsafeBufferPointer {
                try PublishRequest.event(body: $0, query: Query(parsing: ""), limits: .init())
            }
        }
    }
}
