import Channels
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("What an app's server is told", .timeLimit(.minutes(2)))
struct ActivityTests {
    @Test("A channel is occupied once and vacated once, whichever loops its subscribers are on, in this order")
    func occupied() async throws {
        let (heard, continuation) = AsyncStream.makeStream(of: ChannelActivity.self)
        let hooks = GatewayHooks(channelActivity: { app, activity in if app == "1" { continuation.yield(activity) } })
        try await withGateway(loops: 3, hooks: hooks) { server in
            var activities = heard.makeAsyncIterator()
            for _ in 0..<5 {
                var sockets: [TestSocket] = []
                for _ in 0..<6 { sockets.append(try await server.subscriber(to: ["c"])) }
                #expect(await activities.next() == .occupied(channel: "c"))
                for socket in sockets { try await socket.close() }
                #expect(await activities.next() == .vacated(channel: "c"))
            }
        }
    }

    @Test("Subscribers on all loops who find a cache channel empty are one cache_miss")
    func cacheMiss() async throws {
        let (heard, continuation) = AsyncStream.makeStream(of: ChannelActivity.self)
        let hooks = GatewayHooks(channelActivity: { _, activity in continuation.yield(activity) })
        try await withGateway(loops: 3, hooks: hooks) { server in
            var sockets: [TestSocket] = []
            for _ in 0..<6 { sockets.append(try await server.subscriber(to: ["cache-c"])) }
            for socket in sockets { try await socket.close() }
            var activities = heard.makeAsyncIterator()
            #expect(await activities.next() == .occupied(channel: "cache-c"))
            #expect(await activities.next() == .cacheMiss(channel: "cache-c"))
            #expect(await activities.next() == .vacated(channel: "cache-c"))
        }
    }

    @Test("Either of an app's keys signs requests; a disabled app answers 403")
    func keysAndStatus() {
        var options = App.Options()
        let loop = EmbeddedEventLoop()
        let old = App(id: "1", key: "old", secret: "s1")
        let new = App(id: "1", key: "new", secret: "s2")
        for (isEnabled, status) in [(true, Answer.Status.ok), (false, .forbidden)] {
            options.isEnabled = isEnabled
            let app = App(
                id: "1", credentials: [.init(key: "old", secret: "s1"), .init(key: "new", secret: "s2")],
                options: options)
            let responder = APIResponder(
                hub: Hub(apps: [app], eventLoopGroup: loop), limits: .init(), now: { 1000 })
            for signer in [old, new] {
                let body = Array(#"{"name":"e","channel":"c","data":""}"#.utf8)
                let query = RequestSigning(app: signer).query(
                    method: "POST", path: "/apps/1/events", body: body, now: 1000)
                let reply = body.withUnsafeBufferPointer {
                    responder.respond(
                        to: .init(method: "POST", path: "/apps/1/events", query: query[...], body: $0),
                        on: loop)
                }
                if case .now(let answer) = reply { #expect(answer.status == status) } else { Issue.record("later") }
            }
        }
    }
}
