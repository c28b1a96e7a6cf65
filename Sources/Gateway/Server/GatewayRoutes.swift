import Channels
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// What Hummingbird answers: health, readiness, metrics and the routes others add.
struct GatewayRoutes: Sendable {
    let environment: ServerEnvironment

    /// Hummingbird's way from a request to the written response.
    func responder() -> HTTPChannelHandler.Responder {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: CrossOriginReads(origins: self.environment.options.origins))
        router.get("/healthz") { _, _ in "ok\n" }
        let hooks = self.environment.hooks
        router.get("/readyz") { _, _ in
            let reason = await hooks.notReadyReason()
            return Response(
                status: reason == nil ? .ok : .serviceUnavailable,
                headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: (reason ?? hooks.readyText()) + "\n"))
            )
        }
        let hub = self.environment.hub
        let fallback = self.environment.fallback
        router.get("/metrics") { _, _ in
            let statistics = hub.statistics
            let sessions = fallback.metrics(connections: statistics.connections)
            let text = GatewayMetrics.text(statistics) + sessions + (await hooks.metrics())
            return Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text))
            )
        }
        router.get("/v1/ticks/{symbol}") { request, context in
            Self.recentTicks(context.parameters.get("symbol") ?? "", request.uri.queryParameters, hub, hooks)
        }
        hooks.routes(router)
        let responder = router.buildResponder()
        let logger = self.environment.logger
        let proxies = self.environment.options.trustedProxies
        return { request, writer, channel in
            var logger = logger
            logger[metadataKey: "hb.request.id"] = "\(UInt64.random(in: .min ... .max))"
            let context = BasicRequestContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
            let response: Response
            do {
                let client = ClientAddress(
                    peer: channel.remoteAddress, forwardedFor: Self.forwardedFor(request), proxies: proxies)
                response = try await ClientAddress.$current.withValue(client) {
                    try await responder.respond(to: request, context: context)
                }
            } catch let error as HTTPParserError {
                throw error
            } catch {
                logger.error("Request failed", metadata: ["error": "\(error)"])
                response = Response(status: .internalServerError)
            }
            try await writer.write(response: response.head, body: response.body)
        }
    }

    private static func forwardedFor(_ request: Request) -> String? {
        HTTPField.Name("X-Forwarded-For").flatMap { name in
            let values = request.headers[values: name]
            return values.isEmpty ? nil : values.joined(separator: ",")
        }
    }

    /// `GET /v1/ticks/SYMBOL[@VENUE]?since=SEQUENCE`: what a client has missed.
    private static func recentTicks(
        _ symbol: String, _ query: FlatDictionary<Substring, Substring>, _ hub: Hub, _ hooks: GatewayHooks
    ) -> Response {
        func refused(_ status: HTTPResponse.Status, _ line: String) -> Response {
            Response(
                status: status, headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: line + "\n")))
        }
        let name = "ticker-\(Query.decoded(symbol[...]))"
        guard let channel = try? ChannelName(name), QuoteChannel.source(name) != .none else {
            return refused(.notFound, "'\(symbol.prefix(60))' is no SYMBOL or SYMBOL@VENUE. Write it like BTC-USD.")
        }
        if let problem = hooks.validateChannel(channel) { return refused(.notFound, problem) }
        guard let since = query["since"].flatMap({ UInt64($0) }) else {
            let given = query["since"].map { "since=\($0.prefix(40)) is no sequence" } ?? "'since' is missing"
            return refused(
                .badRequest, "\(given). Give the sequence of the newest tick you have: ?since=1795435200151021")
        }
        let app = query["app"].map { id in hub.apps.firstIndex { $0.id == id } } ?? 0
        guard let app else { return refused(.notFound, "No app with id '\(query["app"] ?? "")'. Check the app id.") }
        let answer = hub.recentTicks.ticks(of: name, app: Int32(app), since: since, now: .now())
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.json)))
    }
}
