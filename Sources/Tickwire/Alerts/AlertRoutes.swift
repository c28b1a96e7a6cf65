import Alerts
import Channels
import HTTPTypes
import Hummingbird
import Ingest
import Logging
import Market
import NIOCore
import Notifications
import Store

/// `/v1/alerts`: what `tickwire alerts` does, for holders of API tokens.
///
/// A token with the scope `alerts` works on its user's alerts, one with `alerts:all` on everybody's; another user's alert is
/// answered as one that does not exist.
final class AlertRoutes: Sendable {
    /// How long a body may be.
    static let bodyBytesMax = 64 * 1024
    /// Alerts and events on a page.
    static let pageMax = 1_000

    private let store: AlertStore
    private let lastTicks: LastTicks
    private let gate: TokenGate
    private let origins: AllowedOrigins
    private let perUserMax: Int
    private let venues: [Venue]
    private let logger: Logger
    private let listeners: AlertListeners

    /// Routes over `store`.
    ///
    /// - Parameters:
    ///   - store: Where alerts are.
    ///   - lastTicks: The newest prices, for distances.
    ///   - tokens: Who tokens speak for.
    ///   - settings: Limits, origins and the order of venues.
    ///   - logger: For trouble.
    ///   - listeners: Told which alerts were shown.
    init(
        store: AlertStore, lastTicks: LastTicks, tokens: TokenCache, settings: Settings, logger: Logger,
        listeners: AlertListeners
    ) {
        self.listeners = listeners
        self.store = store
        self.lastTicks = lastTicks
        self.gate = TokenGate(tokens: tokens)
        self.origins = AllowedOrigins(settings.authOrigins)
        self.perUserMax = settings.alertsPerUserMax
        self.venues = settings.preferredVenues
        self.logger = logger
    }

    /// A request with who makes it.
    struct Call {
        let request: Request
        let holder: TokenHolder
        let parameters: Parameters
        let now = Timestamp.now

        /// Whether everybody's alerts are open to it.
        var isAdmin: Bool { self.holder.scopes.contains { $0.allowsAllAlerts } }

        /// The alert's id in the path.
        func id() throws(AlertAPIError) -> Int64 {
            let text = self.parameters.get("id") ?? ""
            guard let id = Int64(text), id > 0 else {
                throw AlertAPIError(status: .notFound, reason: "'\(text.prefix(40))' is no alert's id: ids are numbers")
            }
            return id
        }
    }

    /// What is answered.
    struct Reply {
        var status: HTTPResponse.Status = .ok
        var json = ""
        var location: String?
    }

    /// Adds the routes.
    func add(to router: Router<BasicRequestContext>) {
        self.on(router, "/v1/alerts", [(.get, { try await self.list($0) }), (.post, { try await self.create($0) })])
        self.on(router, "/v1/alerts/test", [(.post, { try await self.test($0) })])
        self.on(
            router, "/v1/alerts/{id}",
            [
                (.get, { try await self.show($0) }), (.patch, { try await self.change($0) }),
                (.delete, { try await self.remove($0) }),
            ])
        self.on(router, "/v1/alerts/{id}/pause", [(.post, { try await self.pause($0) })])
        self.on(router, "/v1/alerts/{id}/resume", [(.post, { try await self.resume($0) })])
        self.on(router, "/v1/alerts/{id}/snooze", [(.post, { try await self.snooze($0) })])
        self.on(router, "/v1/alerts/events/{event}/shown", [(.post, { try await self.shown($0) })])
        self.on(router, "/v1/alerts/{id}/events", [(.get, { try await self.events($0) })])
    }

    private func on(
        _ router: Router<BasicRequestContext>, _ path: RouterPath,
        _ handlers: [(HTTPRequest.Method, @Sendable (Call) async throws -> Reply)]
    ) {
        let methods = handlers.map(\.0.rawValue).joined(separator: ", ") + ", OPTIONS"
        router.on(path, method: .options) { request, _ in self.origins.preflight(request, methods: methods) }
        for (method, handler) in handlers {
            router.on(path, method: method) { request, context in
                await self.respond(request, context.parameters, handler)
            }
        }
    }

    private func respond(
        _ request: Request, _ parameters: Parameters, _ handler: @Sendable (Call) async throws -> Reply
    ) async -> Response {
        var headers = self.origins.headers(for: request)
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        do {
            let holder = try await self.gate.holder(request.headers[.authorization] ?? "")
            guard holder.scopes.contains(where: \.allowsOwnAlerts) else {
                let scopes = holder.scopes.map(\.description).joined(separator: " ")
                throw AlertAPIError(
                    status: .forbidden, reason: "The token's scopes (\(scopes)) do not cover alerts: 'alerts' does")
            }
            let reply = try await handler(Call(request: request, holder: holder, parameters: parameters))
            headers[.location] = reply.location
            if reply.status == .noContent {
                headers[.contentType] = nil
                return Response(status: .noContent, headers: headers)
            }
            return Self.response(reply.status, reply.json, headers)
        } catch {
            guard let refusal = AlertAPIError(error) else {
                self.logger.error("Alert request failed", metadata: ["error": "\(error)"])
                return Self.response(
                    .internalServerError, #"{"error":"The request failed, see the service's log"}"#, headers)
            }
            if refusal.status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
            if refusal.status == .serviceUnavailable || refusal.status == .tooManyRequests {
                headers[.retryAfter] = "1"
            }
            return Self.response(refusal.status, refusal.json, headers)
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ json: String, _ headers: HTTPFields) -> Response {
        Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json + "\n")))
    }

    // MARK: Reading

    private func list(_ call: Call) async throws -> Reply {
        let query = try AlertQuery(call.request, names: ["user", "symbol", "state", "limit", "after"])
        let limit = try query.number("limit", in: 1...Self.pageMax) ?? 100
        let after = try query.number("after", in: 0...Int.max) ?? 0
        let user = try self.user(query.text("user"), call) ?? (call.isAdmin ? nil : call.holder.userID)
        let symbol = try query.text("symbol").map { try Symbol($0) }
        var state: AlertStanding?
        if let text = query.text("state") {
            guard let known = AlertStanding(rawValue: text) else {
                let states = AlertStanding.allCases.map(\.rawValue).joined(separator: ", ")
                throw AlertAPIError(
                    status: .badRequest, reason: "'\(text.prefix(40))' is no state. States are \(states).",
                    member: "state")
            }
            state = known
        }
        // With a state, a page may hold fewer; `next` says where the following one starts.
        let page = try await self.store.list(user: user, symbol: symbol, after: Int64(after), limit: limit)
        let alerts = page.filter { state == nil || $0.standing(at: call.now) == state }
        let objects = alerts.map { AlertJSON.object($0, now: call.now) }
        let next = page.count == limit ? page.last.map { ",\"next\":\($0.id)" } ?? "" : ""
        return Reply(json: "{\"alerts\":[\(objects.joined(separator: ","))]\(next)}")
    }

    private func show(_ call: Call) async throws -> Reply {
        Reply(json: try await self.json(try await self.own(call), call))
    }

    private func events(_ call: Call) async throws -> Reply {
        let query = try AlertQuery(call.request, names: ["limit", "before"])
        let limit = try query.number("limit", in: 1...Self.pageMax) ?? 50
        let before = try query.number("before", in: 1...Int.max).map { Int64($0) }
        let alert = try await self.own(call)
        let events = try await self.store.events(of: alert.id, limit: limit, before: before)
        let next = events.count == limit ? events.last.map { ",\"next\":\($0.crossing)" } ?? "" : ""
        return Reply(json: "{\"events\":[\(events.map { AlertJSON.object($0) }.joined(separator: ","))]\(next)}")
    }

    // MARK: Changing

    private func create(_ call: Call) async throws -> Reply {
        let body = try await self.body(
            call, ["symbol", "condition", "venue", "user", "webhook", "title", "body", "locale"])
        let order = try AlertOrder(
            user: try self.user(body.text("user"), call) ?? call.holder.userID,
            symbol: try Symbol(try body.requiredText("symbol")), venue: try body.text("venue").map { try Venue($0) },
            expression: try AlertExpression(parsing: try body.requiredText("condition"), now: call.now),
            webhookURL: body.text("webhook"),
            template: try AlertTemplate.checked(title: body.text("title"), body: body.text("body")),
            locale: body.text("locale"))
        let alert = try await self.store.add(order, perUserMax: call.isAdmin ? nil : self.perUserMax)
        return Reply(status: .created, json: try await self.json(alert, call), location: "/v1/alerts/\(alert.id)")
    }

    private func change(_ call: Call) async throws -> Reply {
        let optional: Set<String> = ["webhook", "title", "body", "locale"]
        let body = try await self.body(call, ["condition", "webhook", "title", "body", "locale"], nullable: optional)
        let alert = try await self.own(call)
        var update = try AlertUpdate(
            webhookURL: body.has("webhook") ? .some(body.text("webhook")) : nil,
            locale: body.has("locale") ? .some(body.text("locale")) : nil)
        if let condition = body.text("condition") {
            update.expression = try AlertExpression(parsing: condition, now: call.now)
        }
        if body.has("title") || body.has("body") {
            let title = body.has("title") ? body.text("title") : alert.template?.title
            let text = body.has("body") ? body.text("body") : alert.template?.body
            let template = try AlertTemplate.checked(title: title, body: text)
            update = try AlertUpdate(
                expression: update.expression, webhookURL: update.webhookURL, template: .some(template),
                locale: update.locale)
        }
        return Reply(json: try await self.json(try await self.store.update(id: alert.id, update), call))
    }

    private func remove(_ call: Call) async throws -> Reply {
        try await self.store.remove(id: try await self.own(call).id)
        return Reply(status: .noContent)
    }

    private func pause(_ call: Call) async throws -> Reply {
        _ = try await self.body(call, [])
        let alert = try await self.own(call)
        // What the storm guard paused stays so, with its reason.
        let paused = alert.pause == nil ? try await self.store.setPause(id: alert.id, .user) : alert
        return Reply(json: try await self.json(paused, call))
    }

    private func resume(_ call: Call) async throws -> Reply {
        _ = try await self.body(call, [])
        let alert = try await self.own(call)
        if let reason = AlertChange.cannotResume(alert, now: call.now) {
            throw AlertAPIError(status: .conflict, reason: reason)
        }
        return Reply(json: try await self.json(try await AlertChange.resume(alert, in: self.store), call))
    }

    private func snooze(_ call: Call) async throws -> Reply {
        let body = try await self.body(call, ["for", "until"], nullable: ["until"])
        let alert = try await self.own(call)
        guard body.has("for") != body.has("until") else {
            throw AlertAPIError(
                status: .badRequest,
                reason: #"Write either {"for":"15m"} or {"until":"2026-12-31T15:00Z"}, or null for until"#)
        }
        let until: Timestamp?
        if body.has("until"), body.text("until") == nil {
            until = nil
        } else {
            until = try AlertChange.snooze(for: body.text("for"), until: body.text("until"), now: call.now)
        }
        return Reply(json: try await self.json(try await self.store.snooze(id: alert.id, until: until), call))
    }

    /// The caller's page or app shows an event now: the caller's devices need not.
    private func shown(_ call: Call) async throws -> Reply {
        let event = call.parameters.get("event") ?? ""
        let parts = event.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "alert", let id = Int64(parts[1]), Int64(parts[2]) != nil else {
            throw AlertAPIError(
                status: .notFound, reason: "'\(event.prefix(40))' is no event: its data has the id, such as alert-17-3")
        }
        // Of nobody else's alert, not even for who may change all.
        guard try await self.store.alert(id: id).user == call.holder.userID else { throw AlertAPIError.unknown(id) }
        return Reply(json: "{\"suppressed\":\(try await self.listeners.shown(event, user: call.holder.userID))}")
    }

    private func test(_ call: Call) async throws -> Reply {
        let body = try await self.body(call, ["condition", "symbol", "venue", "every", "prices"], lists: ["prices"])
        let expression = try AlertExpression(parsing: try body.requiredText("condition"), now: call.now)
        var interval = Duration.seconds(1)
        if let text = body.text("every") {
            guard let duration = AlertDuration.parse(text.lowercased()) else {
                throw AlertAPIError(
                    status: .unprocessableContent, reason: "'\(text.prefix(40))' is no duration such as 1s or 5m",
                    member: "every")
            }
            interval = duration
        }
        guard let prices = body.texts("prices"), !prices.isEmpty else {
            throw AlertAPIError(
                status: .badRequest, reason: #"Member 'prices' is missing: a list such as ["69999","70001"]"#,
                member: "prices")
        }
        let symbol = try Symbol(body.text("symbol") ?? "TEST")
        let trial = AlertTrial(
            expression: expression, symbol: symbol, venue: try Venue(body.text("venue") ?? "test"), interval: interval)
        let steps = try trial.run(prices)
        let objects = steps.map { step in
            "{\(AlertJSON.text("price", step.input)),\"fires\":\(!step.fired.isEmpty),"
                + "\(AlertJSON.text("reason", step.reason))}"
        }
        let fired = steps.reduce(0) { $0 + $1.fired.count }
        return Reply(
            json: "{\(AlertJSON.text("condition", expression.description)),\"fired\":\(fired),"
                + "\"steps\":[\(objects.joined(separator: ","))]}")
    }

    // MARK: Parts

    /// The alert in the path, if it is the holder's.
    private func own(_ call: Call) async throws -> Alert {
        let id = try call.id()
        let alert = try await self.store.alert(id: id)
        guard call.isAdmin || alert.user == call.holder.userID else { throw AlertAPIError.unknown(id) }
        return alert
    }

    /// Whose alerts are asked for, if the request says so.
    private func user(_ given: String?, _ call: Call) throws(AlertAPIError) -> String? {
        guard let given else { return nil }
        guard call.isAdmin || given == call.holder.userID else {
            throw AlertAPIError(
                status: .forbidden, reason: "Alerts of another user need the scope 'alerts:all'", member: "user")
        }
        return given
    }

    private func body(
        _ call: Call, _ members: [String], lists: Set<String> = [], nullable: Set<String> = []
    ) async throws -> AlertRequestBody {
        let bytes = try await RequestBody.read(call.request, bytesMax: Self.bodyBytesMax)
        let type = call.request.headers[.contentType]?.lowercased().prefix { $0 != ";" } ?? "application/json"
        guard bytes.isEmpty || type == "application/json" else {
            throw AlertAPIError(
                status: .unsupportedMediaType, reason: "The body must be application/json, not '\(type.prefix(60))'")
        }
        return try AlertRequestBody(bytes, members: members, lists: lists, nullable: nullable)
    }

    private func json(_ alert: Alert, _ call: Call) async throws -> String {
        let ticks = try await self.lastTicks.load(symbol: alert.symbol)
        let distance = AlertDistance(alert, ticks: ticks, venues: self.venues, now: call.now)
        return AlertJSON.object(alert, now: call.now, distance: distance)
    }
}
