import Channels
import NIOCore

/// The HTTP API under `/apps/ID` (protocol section 9), answered on the event loop that read the request.
struct APIResponder: Sendable {
    /// An answer, now or when the other loops have been asked.
    enum Reply {
        case now(Answer)
        case later(EventLoopFuture<Answer>)
    }

    /// One complete request.
    struct Request {
        var method: String
        /// As received, without the query.
        var path: Substring
        /// What follows the `?`, as received.
        var query: Substring
        var body: UnsafeBufferPointer<UInt8>
    }

    let hub: Hub
    let limits: PublishRequest.Limits
    /// The current time in seconds since 1970.
    let now: @Sendable () -> Int64

    init(hub: Hub, limits: PublishRequest.Limits, now: @escaping @Sendable () -> Int64) {
        self.hub = hub
        self.limits = limits
        self.now = now
    }

    /// Whether a request is for the HTTP API.
    static func serves(_ uri: String) -> Bool { uri.hasPrefix("/apps/") || uri.hasPrefix("/v1/connections") }

    /// Checks and answers one request.
    func respond(to request: Request, on eventLoop: any EventLoop) -> Reply {
        if request.path.hasPrefix("/v1/") { return self.connections(request, on: eventLoop) }
        let parts = request.path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst(2)
        let segments = parts.map { Substring($0) }
        switch self.authorise(request, app: segments.first ?? "") {
        case .success((let number, let query)):
            return self.route(request, Array(segments.dropFirst()), query, app: Int32(number), on: eventLoop)
        case .failure(let refusal): return .now(refusal.answer)
        }
    }

    /// Why a request is not answered as asked.
    struct Refusal: Error {
        var answer: Answer
    }

    /// Checks who sends a request.
    ///
    /// - Returns: The app's number in the hub and the query, or what to answer.
    func authorise(_ request: Request, app id: Substring) -> Result<(app: Int, Query), Refusal> {
        func refused(_ status: Answer.Status, _ line: String) -> Result<(app: Int, Query), Refusal> {
            .failure(Refusal(answer: .text(status, line)))
        }
        guard let number = self.hub.apps.firstIndex(where: { $0.id == id }) else {
            return refused(.notFound, "No app with id '\(id)'. Check the app id.")
        }
        let app = self.hub.apps[number]
        let query: Query
        do throws(RequestSignatureError) {
            query = try RequestSigning(app: app).verify(
                method: request.method,
                path: request.path,
                query: request.query,
                body: UnsafeRawBufferPointer(request.body),
                now: self.now()
            )
        } catch {
            return refused(.unauthorised, error.description)
        }
        guard app.options.isEnabled else {
            return refused(.forbidden, "The app '\(app.id)' is disabled. Enable it in the settings.")
        }
        return .success((number, query))
    }

    private func route(
        _ request: Request,
        _ route: [Substring],
        _ query: Query,
        app: Int32,
        on eventLoop: any EventLoop
    ) -> Reply {
        switch (request.method, route.first, route.count) {
        case ("POST", "events", 1), ("POST", "batch_events", 1):
            return .now(self.publish(request.body, query, app: app, isBatch: route.first == "batch_events"))
        case ("POST", "channels", 3) where route[2] == "events":
            return self.publishRaw(request, query, channel: route[1], app: app)
        case ("GET", "channels", 1): return self.channels(query, app: app, on: eventLoop)
        case ("GET", "channels", 2): return self.channel(route[1], query, app: app, on: eventLoop)
        case ("GET", "channels", 3) where route[2] == "stats":
            return self.channel(route[1], query, app: app, on: eventLoop)
        case ("GET", "channels", 3) where route[2] == "users": return self.users(route[1], app: app)
        case ("POST", "users", 3...) where route.last == "terminate_connections":
            // Some libraries do not escape the id, which may then have slashes.
            let id = Query.decoded(Substring(route[1..<(route.count - 1)].joined(separator: "/")))
            self.hub.terminateConnections(of: id, app: app)
            return .now(.empty)
        case (_, "connections", _): return self.connections(route.dropFirst(), request, app: app, on: eventLoop)
        default: return .now(.text(.notFound, "No such route: \(request.method) \(request.path)"))
        }
    }
}
