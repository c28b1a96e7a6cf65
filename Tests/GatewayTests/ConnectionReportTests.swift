import Channels
import Testing

@testable import Gateway

@Suite("What operators see of connections", .timeLimit(.minutes(2)))
struct ConnectionReportTests {
    @Test("A connection tells its channels, and its frames once somebody has asked")
    func report() async throws {
        try await withGateway(loops: 2) { server in
            let socket = try await server.subscriber(to: ["ticker-A", "chat"])
            let list = try await server.request("GET", "/apps/1/connections")
            #expect(list == (200, #"{"connections":1,"slow":[]}"#))
            let id = try #require(try await server.socketIDs().first)
            for path in ["/apps/1/connections/\(id)", "/v1/connections/\(id)"] {
                let (status, body) = try await server.request("GET", path)
                #expect(status == 200)
                #expect(body.contains(#""id":"\#(id)","app":"1","transport":"websocket","age":"#))
                #expect(body.contains(#""bytesWaiting":0,"bytesHeld":0,"channelsHeld":0,"congested":false,"merges":0"#))
                #expect(body.contains(#""channels":["chat","ticker-A"],"frames":[]"#))
            }
            server.hub.publish([marketTick("ticker-A", 1), .init(channel: "chat", name: "x", data: Array("1".utf8))])
            _ = await socket.frame()
            _ = await socket.frame()
            let (_, body) = try await server.request("GET", "/v1/connections/\(id)")
            #expect(body.contains(#""head":"{\"event\":\"tick\",\"channel\":\"ticker-A\""#), "\(body)")
            let last = #""bytes":43,"head":"{\"event\":\"x\",\"channel\":\"chat\",\"data\":\"1\"}""#
            #expect(body.contains(last), "\(body)")
            try await socket.close()
        }
    }

    @Test("Without a signature nothing is told, and what is wrong is named")
    func mistakes() async throws {
        try await withGateway { server in
            for target in [
                "/v1/connections", "/v1/connections?auth_key=other", "/v1/connections?auth_key=key",
                "/apps/1/connections",
            ] {
                let (status, _) = try await server.unsigned("GET", target)
                #expect(status == 401, "\(target)")
            }
            for (path, expected) in [("1.2", 404), ("x", 400), ("1.2/x", 404)] {
                let (status, _) = try await server.request("GET", "/v1/connections/\(path)")
                #expect(status == expected, "\(path)")
            }
        }
    }

    @Test("Ticks that were missed are answered over HTTP, and mistakes are named")
    func recentTicks() async throws {
        var hooks = GatewayHooks()
        hooks.validateChannel = { $0.text.hasPrefix("ticker-A") ? nil : "Channel \($0): unknown symbol" }
        try await withGateway(hooks: hooks) { server in
            server.hub.publish((1...3).map { marketTick("ticker-A", $0) })
            let (status, body) = try await server.unsigned("GET", "/v1/ticks/A?since=2")
            #expect(status == 200)
            #expect(body == #"{"ticks":[{"symbol":"A","price":"3","side":"buy","sequence":3}],"complete":true}"#)
            #expect(try await server.unsigned("GET", "/v1/ticks/A").0 == 400)
            #expect(try await server.unsigned("GET", "/v1/ticks/A?since=x").0 == 400)
            #expect(try await server.unsigned("GET", "/v1/ticks/B?since=1").0 == 404)
            #expect(try await server.unsigned("GET", "/v1/ticks/A;1s?since=1").0 == 404)
            #expect(try await server.unsigned("GET", "/v1/ticks/A?since=1&app=9").0 == 404)
        }
    }
}
