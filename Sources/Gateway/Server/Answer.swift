import NIOCore

/// The answer to a request of the HTTP API, written as finished bytes.
struct Answer: Sendable, Equatable {
    /// A status of the HTTP API; client libraries treat others as connection trouble.
    enum Status: Int, Sendable {
        case ok = 200
        case accepted = 202
        case noContent = 204
        case badRequest = 400
        case unauthorised = 401
        case forbidden = 403
        case notFound = 404
        case tooLarge = 413
        case upgradeRequired = 426
        case headersTooLarge = 431
        case unavailable = 503

        /// The reason phrase.
        var phrase: String {
            switch self {
            case .ok: "OK"
            case .accepted: "Accepted"
            case .noContent: "No Content"
            case .badRequest: "Bad Request"
            case .unauthorised: "Unauthorized"
            case .forbidden: "Forbidden"
            case .notFound: "Not Found"
            case .tooLarge: "Content Too Large"
            case .upgradeRequired: "Upgrade Required"
            case .headersTooLarge: "Request Header Fields Too Large"
            case .unavailable: "Service Unavailable"
            }
        }
    }

    var status: Status
    var contentType: String
    var body: [UInt8]
    /// Further header fields, each with its line end.
    var fields = ""

    /// A JSON answer with status 200.
    static func json(_ body: [UInt8]) -> Answer {
        Answer(status: .ok, contentType: "application/json", body: body)
    }

    /// A line of plain text, what publishers' libraries show to their users.
    static func text(_ status: Status, _ line: String) -> Answer {
        Answer(status: status, contentType: "text/plain; charset=utf-8", body: Array((line + "\n").utf8))
    }

    /// `{}`, the answer to almost every publish.
    static let empty = Answer.json(Array("{}".utf8))

    /// The whole response.
    func write(to buffer: inout ByteBuffer, isLast: Bool) {
        if self == Self.empty, !isLast {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
            return
        }
        buffer.writeString("HTTP/1.1 \(self.status.rawValue) \(self.status.phrase)\r\n")
        if self.status != .noContent {
            buffer.writeString("content-type: \(self.contentType)\r\ncontent-length: \(self.body.count)\r\n")
        }
        buffer.writeString(self.fields)
        if isLast { buffer.writeStaticString("connection: close\r\n") }
        if self.status == .upgradeRequired { buffer.writeStaticString("upgrade: websocket\r\n") }
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(self.body)
    }
}
