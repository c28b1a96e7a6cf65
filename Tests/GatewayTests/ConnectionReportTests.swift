import Channels
import NIOCore
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

    @Test("Frames are shown as text, compressed ones unpacked")
    func compressedFrames() throws {
        let rig = QuoteRig()
        let client = try EmbeddedConnection(hub: rig.hub, loop: rig.loop, isCompressed: true)
        let id = try SocketID(try client.greet())
        try client.send(subscribeText("chat"))
        _ = rig.hub.shards[0].report(of: id, app: 0)
        let text = String(repeating: "hello ", count: 100)
        rig.publish(.init(channel: "chat", name: "x", data: Array(text.utf8)))
        let frame = try #require(try client.frames().last)
        #expect(frame.isCompressed)
        let shown = try #require(rig.hub.shards[0].report(of: id, app: 0)?.frames?.last)
        #expect(shown.head.hasPrefix(#"{"event":"x","channel":"chat","data":"hello hello "#))
        #expect(shown.bytes == frame.payload.count + 2)
        try client.finish()
    }

    @Test("What cannot be unpacked is named by its size")
    func unreadableFrames() {
        var recorder = FrameRecorder()
        let bytes: [UInt8] = [0xC1, 3, 1, 2, 3, 0x81, 2, 0x68, 0x69]
        bytes.withUnsafeBytes { recorder.add($0, now: .now()) { _ in nil } }
        #expect(recorder.records.map(\.head) == ["compressed, 3 bytes", "hi"])
        #expect(recorder.records.map(\.bytes) == [5, 4])
    }

    @Test("Pages that may connect may read what is public, and only that")
    func crossOrigin() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        options.origins = try #require(OriginRules(["https://shop.example"]))
        try await withGateway(options: options) { server in
            func head(_ method: String, _ path: String, origin: String?) async throws -> String {
                let socket = try await server.connect()
                let field = origin.map { "Origin: \($0)\r\n" } ?? ""
                try await socket.send("\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(field)\r\n")
                return await socket.head().lowercased()
            }
            let path = "/v1/ticks/A?since=1"
            let allowed = try await head("GET", path, origin: "https://shop.example")
            #expect(allowed.hasPrefix("http/1.1 200") && allowed.contains("vary: origin"))
            #expect(allowed.contains("access-control-allow-origin: https://shop.example"))
            let preflight = try await head("OPTIONS", path, origin: "https://shop.example")
            #expect(preflight.hasPrefix("http/1.1 204") && preflight.contains("access-control-allow-methods: get"))
            for origin in ["https://evil.example", nil] {
                let other = try await head("GET", path, origin: origin)
                #expect(!other.contains("access-control") && other.contains("vary: origin"))
            }
            #expect(!(try await head("GET", "/metrics", origin: "https://shop.example")).contains("access-control"))
        }
        try await withGateway { server in
            let socket = try await server.connect()
            try await socket.send("GET /v1/ticks/A HTTP/1.1\r\nHost: x\r\nOrigin: https://any.example\r\n\r\n")
            let head = await socket.head().lowercased()
            #expect(head.hasPrefix("http/1.1 400") && head.contains("access-control-allow-origin: *"))
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
