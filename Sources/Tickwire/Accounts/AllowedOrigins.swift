import HTTPTypes
import Hummingbird

/// Pages of which origins may ask.
///
/// Tokens come in a header and never in cookies, so any origin may be allowed.
struct AllowedOrigins: Sendable {
    private let origins: [String]

    /// Allows `origins`; `*` is any.
    init(_ origins: [String]) { self.origins = origins }

    /// What every answer says to a page.
    func headers(for request: Request) -> HTTPFields {
        if self.origins.contains("*") { return [.accessControlAllowOrigin: "*"] }
        guard let origin = request.headers[.origin], self.origins.contains(origin) else { return [.vary: "Origin"] }
        return [.accessControlAllowOrigin: origin, .vary: "Origin"]
    }

    /// The answer to a page that asks what it may do.
    func preflight(_ request: Request, methods: String) -> Response {
        var headers = self.headers(for: request)
        headers[.accessControlAllowMethods] = methods
        // Whatever a page's client is told to send: only Authorization and the body are read.
        headers[.accessControlAllowHeaders] =
            request.headers[.accessControlRequestHeaders] ?? "Authorization, Content-Type, X-Requested-With"
        headers[.accessControlMaxAge] = "7200"
        return Response(status: .noContent, headers: headers)
    }
}
