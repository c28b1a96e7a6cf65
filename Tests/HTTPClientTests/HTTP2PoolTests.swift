import HTTPClient
import Testing
import TickwireTesting

/// Over HTTP/1.1, whose connections serve one request at a time; HTTP/2 needs TLS: Tests/BlackBox/test_push_delivery.py.
@Suite("A pool of shared connections", .timeLimit(.minutes(5)))
struct HTTP2PoolTests {
    private static func with<Value: Sendable>(
        _ pool: HTTP2Pool, _ body: () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await pool.run() }
            let result = try await body()
            await pool.shutdown()
            group.cancelAll()
            return result
        }
    }

    private static func failure(_ pool: HTTP2Pool, _ request: HTTPRequest) async -> HTTPClientError? {
        do throws(HTTPClientError) {
            _ = try await pool.execute(request)
            return nil
        } catch { return error }
    }

    @Test("Requests that come at once are all answered, over no more connections than allowed")
    func many() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let url = server.url
        let pool = HTTP2Pool(connectionsMax: 2)
        let statuses = try await Self.with(pool) {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { try await pool.execute(HTTPRequest(url: url)).status } }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
        }
        #expect(statuses == [200: 100])
        #expect((1...2).contains(server.connectionCount))
    }

    @Test("A request that waits for room ends when its time is over")
    func waitsNotForEver() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let url = server.url
        let pool = HTTP2Pool(connectionsMax: 1)
        try await Self.with(pool) {
            async let first = Self.failure(pool, HTTPRequest(url: url, timeout: .milliseconds(600)))
            var events = server.events.makeAsyncIterator()
            _ = await events.next()
            let second = await Self.failure(pool, HTTPRequest(url: url, timeout: .milliseconds(300)))
            #expect(second == .timedOut(host: String(url.dropFirst("http://".count)), limit: .milliseconds(300)))
            #expect(await first != nil)
        }
    }

    @Test("More than may wait are refused at once")
    func busy() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let url = server.url
        let pool = HTTP2Pool(connectionsMax: 1, waitersMax: 0)
        try await Self.with(pool) {
            async let first = Self.failure(pool, HTTPRequest(url: url, timeout: .milliseconds(500)))
            var events = server.events.makeAsyncIterator()
            _ = await events.next()
            let second = await Self.failure(pool, HTTPRequest(url: url))
            #expect(second == .busy(host: String(url.dropFirst("http://".count)), limit: 0))
            #expect(await first != nil)
        }
    }

    @Test("A host that cannot be reached is told apart from one that breaks off")
    func unreachable() async throws {
        let server = LoopbackServer { _ in .hang }
        let url = server.url
        server.stop()
        let pool = HTTP2Pool(connectionsMax: 1)
        try await Self.with(pool) {
            for _ in 0..<3 {
                do {
                    _ = try await pool.execute(HTTPRequest(url: url, timeout: .seconds(5)))
                    Issue.record("answered")
                } catch HTTPClientError.cannotConnect {
                }
            }
        }
    }

    @Test("Shutting down ends those who wait and those on their way")
    func shutdown() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let url = server.url
        let pool = HTTP2Pool(connectionsMax: 1)
        await withTaskGroup(of: HTTPClientError?.self) { group in
            for _ in 0..<5 {
                group.addTask { await Self.failure(pool, HTTPRequest(url: url)) }
            }
            var events = server.events.makeAsyncIterator()
            _ = await events.next()
            await pool.shutdown()
            for await error in group { #expect(error == .shutDown) }
        }
        await #expect(throws: HTTPClientError.shutDown) { try await pool.execute(HTTPRequest(url: url)) }
    }
}
