import Channels
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Gateway

@Suite("Publishes past the HTTP decoder", .timeLimit(.minutes(5)))
struct PublishHandlerTests {
    private typealias Connection = AcceptedConnection

    private static let event = #"{"name":"e","channel":"a","data":"{\"p\":1}"}"#
    private static let batch = #"{"batch":[{"name":"x","channel":"a","data":"1"},{"name":"y","channel":"b","data":2}]}"#
    private static let plain = Connection.signed(Self.event)

    /// Requests of which all or most bytes go past the decoder.
    private static let plainRequests: [String] = [
        Self.plain,
        Connection.signed(Self.batch, route: "batch_events"),
        Connection.signed(
            Self.event, fields: "connection: Keep-Alive\r\nUser-Agent: pusher/1\r\nX-Empty:\r\nA: \t\r\n"),
        Connection.signed(#"{"name":"e","channels":["a","b"],"data":"","info":"subscription_count"}"#),
        Connection.signed(#"{"name":"tick","channel":"a","data":"é"}"#),
        // Mistakes, each with its line.
        Connection.signed("{"), Connection.signed("[]"), Connection.signed("{}"), Connection.signed(""),
        Connection.signed(#"{"name":"pusher:x","channel":"a","data":""}"#),
        Connection.signed(#"{"name":"e","channel":"a b","data":""}"#),
        Connection.signed(Self.event, signedBody: Self.event + " "),
        Connection.signed(Self.event, app: App(id: "1", key: "key", secret: "wrong")),
        Connection.signed(Self.event, app: App(id: "1", key: "nokey", secret: "secret")),
        Connection.signed(Self.event, app: App(id: "off", key: "off", secret: "secret")),
        Connection.signed(Self.event, app: App(id: "2", key: "key", secret: "secret")),
        Connection.signed("{}", items: [.init(name: "name", value: "q"), .init(name: "channel", value: "b")]),
        Self.plain.replacing("auth_version=1.0", with: "auth_version=%31.0"),
        Self.plain.replacing("=1800000000", with: "=1700000000"),
        "POST /apps/1/events? HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    ]

    /// Requests that are the decoder's from some byte on, and attempts to make two readers see two different requests.
    private static let otherRequests: [String] = [
        "", "\r\n" + Self.plain, "GET /apps/1/channels HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /apps/1/events HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        "POST /apps/1/channels/a/events?name=e HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        "POST /pusher/auth HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "POST /apps//events?a=b HTTP/1.1\r\n\r\n",
        Self.plain.replacing("HTTP/1.1", with: "HTTP/1.0"), Self.plain.replacing("HTTP/1.1", with: "HTTP/2.0"),
        Self.plain.replacing(" HTTP/1.1", with: ""), Self.plain.replacing("POST ", with: "POST  "),
        Self.plain.replacing("POST", with: "post"), Self.plain.replacing("?auth", with: "?#auth"),
        Self.plain.replacing("Host: x", with: "Host : x"), Self.plain.replacing("Host: x", with: " Host: x"),
        Self.plain.replacing("Host: x", with: "Host: x\r\n folded"), Self.plain.replacing("Host: x", with: ": x"),
        Self.plain.replacing("Host: x", with: "Host"), Self.plain.replacing("Host: x", with: "Ho\u{0}st: x"),
        Self.plain.replacing("Host: x", with: "Host: x\u{1}"), Self.plain.replacing("Host: x", with: "Host: é"),
        Self.plain.replacing("Host: x", with: "Host: x\ry"), Self.plain.replacing("Host: x\r\n", with: "Host: x\n"),
        Self.plain.replacing("\r\n\r\n", with: "\n\n"), Self.plain.replacing("\r\n\r\n", with: "\r\n\n"),
        Connection.signed(Self.event, fields: "Content-Length: 45\r\n"),
        Connection.signed(Self.event, fields: "Content-Length: 2\r\n"),
        Connection.signed(Self.event, fields: "Transfer-Encoding: chunked\r\n"),
        Connection.signed(Self.event, fields: "transfer-encoding: identity\r\n"),
        Connection.signed(Self.event, fields: "Transfer-Encoding : chunked\r\n"),
        Connection.signed(Self.event, fields: "Connection: close\r\n"),
        Connection.signed(Self.event, fields: "Connection: keep-alive, close\r\n"),
        Connection.signed(Self.event, fields: "Proxy-Connection: close\r\n"),
        Connection.signed(Self.event, fields: "Expect: 100-continue\r\n"),
        Connection.signed(Self.event, fields: "Upgrade: websocket\r\nConnection: Upgrade\r\n"),
        Connection.signed(Self.event, fields: "X: \(String(repeating: "y", count: 10_000))\r\n"),
        Connection.signed(Self.event, head: { $0.replacing("Content-Length: ", with: "Content-Length: +") }),
        Connection.signed(Self.event, head: { $0.replacing("Content-Length: ", with: "Content-Length: -") }),
        Connection.signed(Self.event, head: { $0.replacing("Content-Length: ", with: "Content-Length: 0x") }),
        Connection.signed(Self.event, head: { $0.replacing("Content-Length: ", with: "Content-Length: 45, ") }),
        Connection.signed(Self.event, head: { $0.replacing("Content-Length: ", with: "Content-Length: 9999999") }),
        Connection.signed(Self.event, head: { $0.replacing("Content-Length: ", with: "Content-Length:\t") }),
        Connection.signed(
            Self.event, head: { $0.replacing("Content-Length: ", with: "Content-Length: 99999999999999999999") }),
        Self.plain.replacing("Content-Length: 45", with: "Content-Length: 45 "),
        Self.plain.replacing("Content-Length: 45", with: "Content-Length:"),
        Self.plain.replacing("Content-Length: 45\r\n", with: ""),
    ]

    /// What became of a stream of bytes.
    private struct Result: Equatable {
        var answers: String
        var events: [String]
        var isActive: Bool
    }

    private static func run(
        _ bytes: [UInt8], plain: Bool, endsInput: Bool = false, cut: (Int) -> Int
    ) throws -> Result {
        let connection = try Connection(takesPlainPublishes: plain)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + max(1, cut(start)))
            // What the decoder complains about while Hummingbird has the request ends at the pipeline's end.
            try? connection.receive(bytes[start..<end])
            start = end
        }
        if endsInput { connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        let (answers, events) = try connection.sent()
        let result = Result(answers: answers, events: events, isActive: connection.channel.isActive)
        // Whatever the decoder still complains about is part of neither result.
        _ = try? connection.finish()
        return result
    }

    private static let corpus = Self.plainRequests + Self.otherRequests

    @Test("Each request has the same answer and the same effect on both ways", arguments: Self.corpus.indices)
    func same(index: Int) throws {
        let bytes = Array((Self.plain + Self.corpus[index] + Self.plain).utf8)
        for isEnded in [false, true] {
            let expected = try Self.run(bytes, plain: false, endsInput: isEnded) { _ in bytes.count }
            #expect(try Self.run(bytes, plain: true, endsInput: isEnded) { _ in bytes.count } == expected)
            #expect(try Self.run(bytes, plain: true, endsInput: isEnded) { _ in 1 } == expected)
            #expect(!expected.answers.isEmpty)
        }
    }

    @Test("Requests at random, cut and spoilt at random, do as well", arguments: UInt64(0)..<300)
    func random(seed: UInt64) throws {
        var state = seed &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var bytes: [UInt8] = []
        for _ in 0...next(4) {
            let requests = next(4) > 0 ? Self.plainRequests : Self.otherRequests
            bytes += Array(requests[next(requests.count)].utf8)
        }
        for _ in 0..<next(3) where !bytes.isEmpty {
            let place = next(bytes.count)
            switch next(4) {
            case 0: bytes[place] = UInt8(next(256))
            case 1: bytes.remove(at: place)
            case 2: bytes.insert([0x0D, 0x0A, 0x20, 0x09, 0x00, 0x3A][next(6)], at: place)
            default: bytes.removeSubrange(place...)
            }
        }
        let isEnded = next(2) == 0
        let expected = try Self.run(bytes, plain: false, endsInput: isEnded) { _ in bytes.count }
        let text = Comment(rawValue: String(decoding: bytes, as: UTF8.self).debugDescription)
        let whole = try Self.run(bytes, plain: true, endsInput: isEnded) { _ in bytes.count }
        #expect(whole == expected, text)
        let size = 1 + next(400)
        let cut = try Self.run(bytes, plain: true, endsInput: isEnded) { _ in 1 + next(size) }
        #expect(cut == expected, text)
    }

    @Test("What libraries send never reaches the decoder", arguments: Self.plainRequests.indices)
    func staysPlain(index: Int) throws {
        let connection = try Connection(takesPlainPublishes: true)
        try connection.receive(Array((Self.plainRequests[index] + Self.plain).utf8))
        #expect(connection.hasPublishHandler)
        try connection.finish()
    }

    @Test("Everything else is the decoder's, for good", arguments: Self.otherRequests.indices.dropFirst())
    func leaves(index: Int) throws {
        let connection = try Connection(takesPlainPublishes: true)
        try connection.receive(Array(Self.otherRequests[index].utf8))
        #expect(!connection.hasPublishHandler)
        _ = try? connection.finish()  // Whatever the decoder complains about.
    }

    @Test("Answers to one read leave in one write")
    func joined() throws {
        let connection = try Connection(takesPlainPublishes: true)
        try connection.receive(Array(String(repeating: Self.plain, count: 64).utf8))
        let buffer = try #require(try connection.channel.readOutbound(as: ByteBuffer.self))
        #expect(buffer.readableBytes == 64 * 72)
        #expect(try connection.channel.readOutbound(as: ByteBuffer.self) == nil)
        try connection.finish()
    }

    @Test("A body that does not come ends the connection after the time for a request; so does a head")
    func slowly() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        // Long enough for a loaded machine to have sent the bytes before.
        options.requestTimeout = .seconds(3)
        options.idleTimeout = .seconds(100)
        try await withGateway(options: options) { server in
            let request = Array(server.signed("POST", "/apps/1/events", body: Self.event).utf8)
            var sockets: [TestSocket] = []
            for count in [20, 200, request.count - 1] {
                let socket = try await server.connect()
                try await socket.send(bytes: Array(request.prefix(count)))
                sockets.append(socket)
            }
            // The time for a body counts from its head, not from the connection's start.
            let socket = try await server.connect()
            try await socket.send(bytes: request + request.dropLast())
            #expect(String(decoding: await socket.rest(), as: UTF8.self).hasSuffix("{}"))
            for socket in sockets { #expect(await socket.rest().isEmpty) }
        }
    }

    @Test("A server that ends answers the request that is being read, and closes")
    func quiescing() throws {
        for plain in [true, false] {
            let connection = try Connection(takesPlainPublishes: plain)
            try connection.receive(Array(Self.plain.utf8.dropLast(5)))
            connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
            try connection.receive(Array(Self.plain.utf8.suffix(5)))
            let (answers, events) = try connection.sent()
            #expect(answers.contains("200 OK") && answers.contains("connection: close"))
            #expect(events.count == 1)
            try connection.finish()
        }
    }
}
