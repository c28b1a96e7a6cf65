import HTTPClient
import Market
import Notifications

/// Sends a push request and says what came of it in the words of the verdicts.
struct Transport: Sendable {
    private enum Way: Sendable {
        case pool(HTTP2Pool)
        case client(HTTPClient)
    }

    /// What came of a request.
    enum Outcome: Sendable {
        case came(PushOutcome, reason: String)
        /// It cannot be sent as it is.
        case impossible(String)
        case interrupted
    }

    private let way: Way
    private let timeout: Duration
    private let addressPolicy: AddressPolicy

    init(_ pool: HTTP2Pool, timeout: Duration, allowsPrivateAddresses: Bool) {
        self.way = .pool(pool)
        self.timeout = timeout
        self.addressPolicy = allowsPrivateAddresses ? .any : .publicOnly
    }

    init(_ client: HTTPClient, timeout: Duration, allowsPrivateAddresses: Bool) {
        self.way = .client(client)
        self.timeout = timeout
        self.addressPolicy = allowsPrivateAddresses ? .any : .publicOnly
    }

    /// Makes what is sent from now on use new connections.
    func renew() {
        if case .pool(let pool) = self.way { pool.renew() }
    }

    func send(_ request: PushRequest) async -> Outcome {
        let http = HTTPRequest(
            method: request.method, url: request.url, headers: request.headers.map { HTTPHeader($0.name, $0.value) },
            body: request.body.isEmpty && request.method != "POST" ? nil : request.body, timeout: self.timeout,
            maxBodyBytes: 1 << 20, addressPolicy: self.addressPolicy)
        do throws(HTTPClientError) {
            let response: HTTPResponse
            switch self.way {
            case .pool(let pool): response = try await pool.execute(http)
            case .client(let client): response = try await client.execute(http)
            }
            let answer = PushResponse(
                status: response.status, headers: response.headers.map { NotificationHeader($0.name, $0.value) },
                body: response.body)
            return .came(.answered(answer), reason: Self.reason(answer))
        } catch {
            switch error {
            case .cancelled, .shutDown: return .interrupted
            case .invalidRequest: return .impossible(error.description)
            case .addressRefused:
                return .impossible("\(error) Setting webhooks.allowPrivate allows them.")
            case .timedOut: return .came(.failed(.timedOut), reason: error.description)
            case .transferFailed, .streamReset, .bodyTooLarge: return .came(.failed(.lost), reason: error.description)
            case .cannotResolve, .cannotConnect, .tls, .cannotStart, .busy:
                return .came(.failed(.unreachable), reason: error.description)
            }
        }
    }

    private static func reason(_ answer: PushResponse) -> String {
        let text = String(decoding: answer.body.prefix(200), as: UTF8.self)
            .split { $0.isWhitespace }.joined(separator: " ")
        return "the receiver answered \(answer.status)" + (text.isEmpty ? "" : ": \(text)")
    }
}
