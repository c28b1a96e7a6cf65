import HTTPClient
import Testing
import TickwireTesting

@Suite("HTTP client")
struct HTTPClientTests {
    @Test("An answer has its status, headers and body; the request says who asks")
    func get() async throws {
        let server = LoopbackServer { request in
            .send(
                LoopbackServer.answer(
                    "404 Not Found", headers: "X-Seen: \(request.headers["user-agent"] ?? "")\r\nA:\r\n",
                    body: request.line))
        }
        defer { server.stop() }
        let client = HTTPClient(version: "1.2.3")
        let response = try await client.execute(HTTPRequest(url: server.url + "/a?b=c"))
        #expect(response.status == 404)
        #expect(response.header("x-seen") == "Tickwire/1.2.3")
        #expect(response.header("A") == "")
        #expect(response.body == Array("GET /a?b=c HTTP/1.1".utf8))
        #expect(!response.isHTTP2)
        await client.shutdown()
    }

    @Test(
        "A body arrives whole, with the caller's headers and without libcurl's own", arguments: [0, 1, 5_000, 300_000])
    func post(size: Int) async throws {
        let server = LoopbackServer { request in
            let names = request.headers.keys.sorted().joined(separator: ",")
            return .send(LoopbackServer.answer(headers: "Names: \(names)\r\nSum: \(request.body.count)\r\n"))
        }
        defer { server.stop() }
        let client = HTTPClient()
        let response = try await client.execute(
            HTTPRequest(
                method: "POST", url: server.url, headers: [HTTPHeader("X-One", "1")],
                body: Array(repeating: 7, count: size)))
        #expect(response.header("sum") == "\(size)")
        #expect(response.header("names") == "accept,accept-encoding,content-length,host,user-agent,x-one")
        await client.shutdown()
    }

    @Test("Every method goes out as it is named", arguments: ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])
    func methods(method: String) async throws {
        let server = LoopbackServer { .send("HTTP/1.1 200 OK\r\nLine: \($0.line)\r\nContent-Length: 0\r\n\r\n") }
        defer { server.stop() }
        let client = HTTPClient()
        let response = try await client.execute(HTTPRequest(method: method, url: server.url + "/"))
        #expect(response.header("line") == "\(method) / HTTP/1.1")
        await client.shutdown()
    }

    @Test("A connection is used again for the next request")
    func reuse() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let client = HTTPClient()
        for _ in 0..<5 { _ = try await client.execute(HTTPRequest(url: server.url)) }
        #expect(server.connectionCount == 1)
        await client.shutdown()
    }

    @Test("A hundred requests at once each get their own answer")
    func concurrent() async throws {
        let server = LoopbackServer { .send(LoopbackServer.answer(body: String(decoding: $0.body, as: UTF8.self))) }
        defer { server.stop() }
        let client = HTTPClient()
        let url = server.url
        let answers = try await withThrowingTaskGroup(of: (Int, HTTPResponse).self) { group in
            for number in 0..<100 {
                group.addTask {
                    (
                        number,
                        try await client.execute(HTTPRequest(method: "POST", url: url, body: Array("n\(number)".utf8)))
                    )
                }
            }
            return try await group.reduce(into: [Int: String]()) {
                $0[$1.0] = String(decoding: $1.1.body, as: UTF8.self)
            }
        }
        #expect(answers.count == 100)
        #expect(answers.allSatisfy { $0.value == "n\($0.key)" })
        #expect(server.connectionCount <= 32)
        await client.shutdown()
    }

    @Test("A host that does not answer in time ends the request")
    func timeout() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let client = HTTPClient()
        await #expect(throws: HTTPClientError.timedOut(host: "127.0.0.1:\(server.port)", limit: .milliseconds(80))) {
            try await client.execute(HTTPRequest(url: server.url, timeout: .milliseconds(80)))
        }
        await client.shutdown()
    }

    @Test("A request that gets no answer does not hold up the others to the same host")
    func noHeadOfLine() async throws {
        let server = LoopbackServer { $0.line.hasPrefix("GET /slow ") ? .hang : .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let client = HTTPClient()
        let url = server.url
        var events = server.events.makeAsyncIterator()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { _ = try? await client.execute(HTTPRequest(url: url + "/slow")) } }
            for _ in 0..<3 { #expect(await events.next() == .received("GET /slow HTTP/1.1")) }
            #expect(await (try? client.execute(HTTPRequest(url: url + "/fast")))?.status == 200)
            group.cancelAll()
        }
        await client.shutdown()
    }

    @Test("Cancelling the task ends the request and closes its connection")
    func cancellation() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let client = HTTPClient()
        let url = server.url
        var events = server.events.makeAsyncIterator()
        await withTaskGroup(of: HTTPClientError?.self) { group in
            group.addTask {
                do throws(HTTPClientError) {
                    _ = try await client.execute(HTTPRequest(url: url))
                    return nil
                } catch { return error }
            }
            #expect(await events.next() == .received("GET / HTTP/1.1"))
            group.cancelAll()
            #expect(await group.next() == .cancelled)
        }
        #expect(await events.next() == .clientClosed)
        await client.shutdown()
    }

    @Test("A task that is cancelled already sends nothing and ends")
    func cancelledBefore() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let client = HTTPClient()
        let url = server.url
        await withTaskGroup(of: HTTPClientError?.self) { group in
            group.cancelAll()
            for _ in 0..<50 {
                group.addTask {
                    do throws(HTTPClientError) {
                        _ = try await client.execute(HTTPRequest(url: url))
                        return nil
                    } catch { return error }
                }
            }
            for await error in group { #expect(error == .cancelled) }
        }
        await client.shutdown()
    }

    @Test("A body larger than the limit ends the request, announced or not", arguments: [true, false])
    func oversize(isAnnounced: Bool) async throws {
        let body = String(repeating: "x", count: 2_000)
        let server = LoopbackServer { _ in
            isAnnounced ? .send(LoopbackServer.answer(body: body)) : .sendAndClose("HTTP/1.1 200 OK\r\n\r\n\(body)")
        }
        defer { server.stop() }
        let client = HTTPClient()
        let host = "127.0.0.1:\(server.port)"
        await #expect(throws: HTTPClientError.bodyTooLarge(host: host, limit: 1_999)) {
            try await client.execute(HTTPRequest(url: server.url, maxBodyBytes: 1_999))
        }
        let fits = try await client.execute(HTTPRequest(url: server.url, maxBodyBytes: 2_000))
        #expect(fits.body.count == 2_000)
        await client.shutdown()
    }

    @Test(
        "Private addresses are refused before anything is sent",
        arguments: ["127.0.0.1", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "localhost", "2130706433"])
    func refusedAddress(host: String) async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let client = HTTPClient()
        let request = HTTPRequest(url: "http://\(host):\(server.port)/", addressPolicy: .publicOnly)
        let error = await #expect(throws: HTTPClientError.self) { try await client.execute(request) }
        guard case .addressRefused = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(server.connectionCount == 0)
        await client.shutdown()
    }

    @Test("A connection that a trusted request opened does not serve one that must stay public")
    func refusedReuse() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let client = HTTPClient()
        #expect(try await client.execute(HTTPRequest(url: server.url)).status == 200)
        let host = "127.0.0.1:\(server.port)"
        await #expect(throws: HTTPClientError.addressRefused(host: host, address: "127.0.0.1")) {
            try await client.execute(HTTPRequest(url: server.url, addressPolicy: .publicOnly))
        }
        var events = server.events.makeAsyncIterator()
        #expect(await events.next() == .received("GET / HTTP/1.1"))
        server.stop()
        await client.shutdown()
    }

    @Test("Redirects are followed only when asked, and only to http and https")
    func redirects() async throws {
        let server = LoopbackServer { request in
            if request.line.hasPrefix("GET /file ") {
                return .send(LoopbackServer.answer("302 Found", headers: "Location: file:///etc/passwd\r\n"))
            }
            if request.line.hasPrefix("GET /loop ") {
                return .send(LoopbackServer.answer("302 Found", headers: "Location: /loop\r\n"))
            }
            if request.line.hasPrefix("GET /a ") {
                return .send(LoopbackServer.answer("302 Found", headers: "Location: /b\r\nX: 1\r\n", body: "moved"))
            }
            return .send(LoopbackServer.answer(body: "here"))
        }
        defer { server.stop() }
        let client = HTTPClient()
        let plain = try await client.execute(HTTPRequest(url: server.url + "/a"))
        #expect(plain.status == 302 && plain.header("location") == "/b")
        let followed = try await client.execute(HTTPRequest(url: server.url + "/a", followRedirects: true))
        #expect(followed.status == 200 && followed.body == Array("here".utf8) && followed.header("x") == nil)
        for path in ["/file", "/loop"] {
            await #expect(throws: HTTPClientError.self) {
                try await client.execute(HTTPRequest(url: server.url + path, followRedirects: true))
            }
        }
        await client.shutdown()
    }

    @Test(
        "What cannot be sent is refused with the reason",
        arguments: [
            ("file:///etc/passwd", "http://"), ("ftp://a/", "http://"), ("", "http://"), ("//a/", "http://"),
            ("http://", "malformed"), ("https://a b/", "malformed"), ("http://a:99999/", "malformed"),
        ])
    func invalidURL(url: String, reason: String) async {
        let client = HTTPClient()
        let error = await #expect(throws: HTTPClientError.self) { try await client.execute(HTTPRequest(url: url)) }
        #expect(error?.description.contains(reason) == true)
        await client.shutdown()
    }

    @Test(
        "A header cannot smuggle in another line",
        arguments: [("A", "1\r\nB: 2"), ("A\r\nB", "1"), ("", "1"), ("A:B", "1")])
    func headerInjection(name: String, value: String) async {
        let client = HTTPClient()
        let request = HTTPRequest(url: "http://127.0.0.1:1/", headers: [HTTPHeader(name, value)])
        let error = await #expect(throws: HTTPClientError.self) { try await client.execute(request) }
        guard case .invalidRequest = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await client.shutdown()
    }

    @Test("Errors name host and port, never user, password, path or query")
    func errorsHideSecrets() async {
        let server = LoopbackServer { _ in .sendAndClose("garbage\r\n\r\n") }
        let client = HTTPClient()
        let rest = "127.0.0.1:\(server.port)/hidden?token=secret"
        let error = await #expect(throws: HTTPClientError.self) {
            try await client.execute(HTTPRequest(url: "http://ada:secret@\(rest)"))
        }
        let message = error?.description ?? ""
        #expect(message.contains("127.0.0.1:\(server.port)"))
        for word in ["ada", "secret", "hidden", "token"] { #expect(!message.contains(word)) }
        server.stop()
        await client.shutdown()
    }

    @Test("A port where nobody listens is a refused connection")
    func connectionRefused() async {
        let client = HTTPClient()
        let error = await #expect(throws: HTTPClientError.self) {
            try await client.execute(HTTPRequest(url: "http://127.0.0.1:1/"))
        }
        guard case .cannotConnect(host: "127.0.0.1:1", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await client.shutdown()
    }

    @Test("A connection that closes in the middle of the body is a failed transfer")
    func cutOff() async {
        let server = LoopbackServer { _ in .sendAndClose("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") }
        defer { server.stop() }
        let client = HTTPClient()
        let error = await #expect(throws: HTTPClientError.self) {
            try await client.execute(HTTPRequest(url: server.url))
        }
        guard case .transferFailed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await client.shutdown()
    }

    @Test("Shutting down ends what is on its way, and what comes after")
    func shutdown() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let client = HTTPClient()
        let url = server.url
        var events = server.events.makeAsyncIterator()
        await withTaskGroup(of: HTTPClientError?.self) { group in
            group.addTask {
                do throws(HTTPClientError) {
                    _ = try await client.execute(HTTPRequest(url: url))
                    return nil
                } catch { return error }
            }
            #expect(await events.next() == .received("GET / HTTP/1.1"))
            await client.shutdown()
            await client.shutdown()
            #expect(await group.next() == .shutDown)
        }
        await #expect(throws: HTTPClientError.shutDown) { try await client.execute(HTTPRequest(url: url)) }
    }

    @Test("A client that is only dropped ends its thread too")
    func dropped() {
        for _ in 0..<20 { _ = HTTPClient() }
    }
}
