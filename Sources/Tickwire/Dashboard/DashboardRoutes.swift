import Channels
import Crypto
import Dashboard
import HTTPTypes
import Hummingbird
import NIOCore

/// The page with live prices at `/`, its files, and what it must know to connect.
struct DashboardRoutes: Sendable {
    /// The public key of the app that the page connects to.
    let appKey: String
    /// The key that browsers subscribe to Web Push with; `nil` while it is not set up.
    let vapidPublicKey: String?

    /// Adds the routes.
    func add(to router: Router<BasicRequestContext>) {
        for file in DashboardFiles.all {
            let answer = FileAnswer(file)
            let path = RouterPath(file.name == "index.html" ? "/" : "/\(file.name)")
            router.get(path) { _, _ in answer }
            router.head(path) { _, _ in answer }
        }
        let settings = self.settings
        router.get("/dashboard.json") { _, _ in JSONAnswer(text: settings) }
    }

    private var settings: String {
        var members = [
            "\"appKey\":\(JSONText.quoted(self.appKey))", "\"version\":\(JSONText.quoted(TickwireVersion.current))",
        ]
        if let key = self.vapidPublicKey { members.append("\"vapidPublicKey\":\(JSONText.quoted(key))") }
        return "{\(members.joined(separator: ","))}"
    }
}

/// A file of the page, which browsers keep until it has changed.
private struct FileAnswer: ResponseGenerator {
    private let body: ByteBuffer
    private let headers: HTTPFields
    private let tag: String

    init(_ file: DashboardFiles.File) {
        self.body = ByteBuffer(bytes: file.bytes)
        self.tag = "\"\(SHA256.hash(data: file.bytes).prefix(12).map { String($0, radix: 16) }.joined())\""
        var headers: HTTPFields = [.contentType: file.contentType, .cacheControl: "no-cache", .eTag: self.tag]
        headers[.contentSecurityPolicy] = DashboardFiles.contentSecurityPolicy
        headers[.xContentTypeOptions] = "nosniff"
        if let policy = HTTPField.Name("Referrer-Policy") { headers[policy] = "no-referrer" }
        self.headers = headers
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        if request.headers[.ifNoneMatch]?.contains(self.tag) == true {
            return Response(status: .notModified, headers: self.headers)
        }
        return Response(status: .ok, headers: self.headers, body: ResponseBody(byteBuffer: self.body))
    }
}
