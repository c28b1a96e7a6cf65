import Channels
import Gateway
import HTTPClient
import Logging

/// Posts apps' webhooks.
struct WebhookSender: Sendable {
    let client: HTTPClient
    let allowsPrivateAddresses: Bool

    /// Bytes of an answer that are read; nobody looks at them.
    private static let answerBytesMax = 64 * 1024

    /// A service for all apps.
    func service(for apps: [AppSettings], logger: Logger) -> WebhookService {
        WebhookService(endpoints: apps.map { ($0.app, $0.webhooks) }, logger: logger) { await self.send($0) }
    }

    private func send(_ webhook: WebhookRequest) async -> WebhookAnswer {
        let request = HTTPRequest(
            method: "POST", url: webhook.url,
            headers: [
                HTTPHeader("Content-Type", "application/json"), HTTPHeader("X-Pusher-Key", webhook.key),
                HTTPHeader("X-Pusher-Signature", webhook.signature),
            ], body: webhook.body, timeout: .seconds(10), maxBodyBytes: Self.answerBytesMax,
            addressPolicy: self.allowsPrivateAddresses ? .any : .publicOnly
        )
        do throws(HTTPClientError) {
            return .status(try await self.client.execute(request).status)
        } catch {
            switch error {
            case .cancelled, .shutDown: return .interrupted
            case .addressRefused:
                return .noAnswer(reason: "\(error) Setting webhooks.allowPrivate allows them.")
            case .bodyTooLarge:
                return .noAnswer(reason: "its answer is longer than \(Self.answerBytesMax) bytes")
            case .invalidRequest, .cannotResolve, .cannotConnect, .tls, .timedOut, .transferFailed, .cannotStart,
                .streamReset, .busy:
                return .noAnswer(reason: error.description)
            }
        }
    }
}
