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
        router.get("/healthz") { _, _ in "ok\n" }
        let hooks = self.environment.hooks
        router.get("/readyz") { _, _ in
            let reason = await hooks.notReadyReason()
            return Response(
                status: reason == nil ? .ok : .serviceUnavailable,
                headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: (reason ?? "ready") + "\n"))
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
        hooks.routes(router)
        let responder = router.buildResponder()
        let logger = self.environment.logger
        return { request, writer, channel in
            var logger = logger
            logger[metadataKey: "hb.request.id"] = "\(UInt64.random(in: .min ... .max))"
            let context = BasicRequestContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
            let response: Response
            do {
                response = try await responder.respond(to: request, context: context)
            } catch let error as HTTPParserError {
                throw error
            } catch {
                logger.error("Request failed", metadata: ["error": "\(error)"])
                response = Response(status: .internalServerError)
            }
            try await writer.write(response: response.head, body: response.body)
        }
    }
}
