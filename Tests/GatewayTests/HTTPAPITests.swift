import Channels
import Testing

@testable import Gateway

@Suite("The HTTP API over real sockets", .timeLimit(.minutes(2)))
struct HTTPAPITests {
    private let event = #"{"name":"message","channels":["chat","other"],"data":"{\"a\":\"é\"}"}"#

    @Test("A published event reaches the subscribers as it was written, and the answer is {}")
    func publish() async throws {
        try await withGateway(loops: 2) { server in
            let socket = try await server.subscriber(to: ["chat"])
            #expect(try await server.request("POST", "/apps/1/events", body: self.event) == (200, "{}"))
            #expect(await socket.frame()?.text == #"{"event":"message","channel":"chat","data":"{\"a\":\"é\"}"}"#)
            let batch =
                #"{"batch":[{"name":"x","channel":"chat","data":"1"},{"name":"y","channel":"chat","data":{"b":2}}]}"#
            #expect(try await server.request("POST", "/apps/1/batch_events", body: batch) == (200, "{}"))
            #expect(await socket.frame()?.text == #"{"event":"x","channel":"chat","data":"1"}"#)
            #expect(await socket.frame()?.text == #"{"event":"y","channel":"chat","data":"{\"b\":2}"}"#)
            try await socket.close()
        }
    }

    @Test("A tick published over HTTP is the next subscriber's snapshot; another event is not")
    func snapshot() async throws {
        try await withGateway { server in
            for (name, data) in [("tick", "1"), ("stale", "2")] {
                let body = #"{"name":"\#(name)","channel":"ticker-A","data":"\#(data)"}"#
                #expect(try await server.request("POST", "/apps/1/events", body: body).0 == 200)
            }
            let socket = try await server.subscriber(to: ["ticker-A"])
            #expect(await socket.frame()?.text == #"{"event":"snapshot","channel":"ticker-A","data":"1"}"#)
            try await socket.close()
        }
    }

    @Test("Channels are listed while they are occupied, over all loops")
    func channels() async throws {
        try await withGateway(loops: 2) { server in
            #expect(try await server.request("GET", "/apps/1/channels") == (200, #"{"channels":{}}"#))
            var sockets: [TestSocket] = []
            for _ in 0..<4 { sockets.append(try await server.subscriber(to: ["ticker-A", "chat@x"])) }
            #expect(
                try await server.request("GET", "/apps/1/channels") == (
                    200, #"{"channels":{"chat@x":{},"ticker-A":{}}}"#
                ))
            #expect(
                try await server.request(
                    "GET", "/apps/1/channels",
                    query: [
                        .init(name: "filter_by_prefix", value: "ticker-"),
                        .init(name: "info", value: "subscription_count"),
                    ]
                ) == (200, #"{"channels":{"ticker-A":{"subscription_count":4}}}"#)
            )
            #expect(
                try await server.request(
                    "GET", "/apps/1/channels/chat@x", query: [.init(name: "info", value: "subscription_count")])
                    == (200, #"{"occupied":true,"subscription_count":4}"#)
            )
            #expect(try await server.request("GET", "/apps/1/channels/empty") == (200, #"{"occupied":false}"#))
            let body = #"{"name":"e","channels":["ticker-A","empty"],"data":"","info":"subscription_count"}"#
            #expect(
                try await server.request("POST", "/apps/1/events", body: body)
                    == (200, #"{"channels":{"ticker-A":{"subscription_count":4},"empty":{"subscription_count":0}}}"#)
            )
            let batch =
                #"{"batch":[{"name":"e","channel":"chat@x","data":"","info":"subscription_count"},{"name":"e","channel":"a","data":""}]}"#
            #expect(
                try await server.request("POST", "/apps/1/batch_events", body: batch)
                    == (200, #"{"batch":[{"subscription_count":4},{}]}"#)
            )
            for socket in sockets { try await socket.close() }
        }
    }

    @Test("Every mistake has its status and a line that says what is wrong")
    func mistakes() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        options.publish = .init(dataBytesMax: 10, bodyBytesMax: 1000)
        try await withGateway(options: options) { server in
            func answer(_ method: String, _ path: String, _ body: String = "", query: [Query.Item] = []) async throws
                -> String
            {
                let (status, text) = try await server.request(method, path, query: query, body: body)
                return "\(status) \(text)"
            }
            #expect(try await answer("POST", "/apps/2/events", self.event).hasPrefix("404 No app with id '2'"))
            #expect(try await answer("GET", "/apps/1/nope").hasPrefix("404 No such route: GET /apps/1/nope"))
            #expect(try await answer("PUT", "/apps/1/events").hasPrefix("404 No such route"))
            #expect(try await answer("POST", "/apps/1/events", "{").hasPrefix("400 Invalid JSON at byte 1"))
            #expect(
                try await answer("POST", "/apps/1/events", #"{"name":"e","channel":"c","data":"12345678901"}"#)
                    .hasPrefix("413 The data content of this event is 11 bytes"))
            #expect(
                try await answer("GET", "/apps/1/channels", query: [.init(name: "info", value: "user_count")])
                    .hasPrefix("400 "))
            #expect(
                try await answer("GET", "/apps/1/channels/c", query: [.init(name: "info", value: "user_count")])
                    .hasPrefix("400 "))
            #expect(try await answer("GET", "/apps/1/channels/a%20b").hasPrefix("400 Invalid channel name 'a b'"))
            let socket = try await server.connect()
            try await socket.send("POST /apps/1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")
            #expect(await socket.head().hasPrefix("HTTP/1.1 413 "))
            let unsigned = try await server.connect()
            try await unsigned.send("GET /apps/1/channels HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(await unsigned.head().hasPrefix("HTTP/1.1 401 "))
            let plain = try await server.connect()
            try await plain.send("GET /app/key HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await plain.head().hasPrefix("HTTP/1.1 426 "))
            let garbage = try await server.connect()
            try await garbage.send("garbage\r\n\r\n")
            #expect(await garbage.head().hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test("Pipelined requests of all kinds are answered in order on one connection")
    func pipelining() async throws {
        try await withGateway { server in
            let body = #"{"name":"e","channel":"c","data":"d"}"#
            let publish = server.signed("POST", "/apps/1/events", body: body)
            let channels = server.signed("GET", "/apps/1/channels")
            let health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
            let socket = try await server.connect()
            let order = [publish, channels, health, publish, health, channels, publish]
            try await socket.send(order.joined())
            for request in order {
                #expect(await socket.head().hasPrefix("HTTP/1.1 200 "))
                let expected = request == publish ? "{}" : request == health ? "ok\n" : #"{"channels":{}}"#
                #expect(await socket.read(expected.utf8.count) == expected)
            }
            try await socket.close()
        }
    }

    @Test("A request whose bytes come one by one is answered like any other")
    func slowly() async throws {
        try await withGateway { server in
            let socket = try await server.connect()
            try await socket.send(oneByOne: Array(server.signed("POST", "/apps/1/events", body: self.event).utf8))
            #expect(await socket.head().hasPrefix("HTTP/1.1 200 "))
            #expect(await socket.read(2) == "{}")
            try await socket.close()
        }
    }
}
