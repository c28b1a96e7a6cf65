import HTTPTypes
import Hummingbird

/// Lets the web pages that may connect read what everybody may read over HTTP: ticks that were missed, symbols, feeds.
struct CrossOriginReads: RouterMiddleware {
    typealias Context = BasicRequestContext

    let origins: OriginRules

    /// Whether a path's answer is public and changes nothing.
    private static func isPublic(_ path: String) -> Bool {
        path.hasPrefix("/v1/ticks/") || path == "/v1/symbols" || path == "/v1/feeds"
    }

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard Self.isPublic(request.uri.path) else { return try await next(request, context) }
        let origin = request.headers[.origin]
        var response: Response
        if request.method == .options, origin != nil {
            response = Response(status: .noContent)
            response.headers[.accessControlAllowMethods] = "GET"
            response.headers[.accessControlAllowHeaders] = "content-type, cache-control, x-requested-with"
            response.headers[.accessControlMaxAge] = "86400"
        } else {
            response = try await next(request, context)
        }
        if self.origins.allowsAll {
            response.headers[.accessControlAllowOrigin] = "*"
        } else {
            // The answer is another one for other pages, whether or not this one may read it.
            response.headers[.vary] = "Origin"
            if let origin, self.origins.allows(origin) { response.headers[.accessControlAllowOrigin] = origin }
        }
        return response
    }
}
