import Hummingbird
import NIOCore

/// JSON text as the answer to an HTTP request.
struct JSONAnswer: ResponseGenerator {
    let text: String

    func response(from request: Request, context: some RequestContext) throws -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: self.text))
        )
    }
}
