import Foundation
import HTTPClient
import Ingest
import Tickwire

/// A service that runs, as its HTTP address shows it.
struct RunningService {
    /// Its address, without a slash at the end.
    let base: String
    private let client: HTTPClient

    /// The service at `url`, or else the one that the settings describe.
    init(url: String?, _ settings: Settings, client: HTTPClient) {
        let host = ["0.0.0.0", "::"].contains(settings.bind) ? "127.0.0.1" : settings.bind
        var base = url ?? "http://\(host):\(settings.port)"
        while base.hasSuffix("/") { base.removeLast() }
        self.base = base
        self.client = client
    }

    /// The state of its feeds.
    func reports() async throws -> [FeedReport] {
        let body = Data(try await self.feeds())
        // Why another program's answer does not decode tells nobody anything.
        guard let reports = try? JSONDecoder().decode([FeedReport].self, from: body) else {
            throw CommandError.unavailable(
                "\(self.base)/v1/feeds does not answer as a Tickwire service does. Check --url.")
        }
        return reports
    }

    /// The answer of `/v1/feeds` as it is.
    func feeds() async throws -> [UInt8] {
        let response: HTTPResponse
        do {
            response = try await self.client.execute(HTTPRequest(url: self.base + "/v1/feeds", timeout: .seconds(5)))
        } catch {
            throw CommandError.unavailable(
                "No service answers at \(self.base) (\(error)). Start one with 'tickwire up' or 'tickwire ingest', or give --url."
            )
        }
        if response.status == 404 {
            throw CommandError.unavailable(
                "\(self.base) runs no feeds. Give --url of a process started with 'tickwire up' or 'tickwire ingest'.")
        }
        guard response.status == 200 else {
            throw CommandError.unavailable("\(self.base)/v1/feeds answers with HTTP status \(response.status).")
        }
        return response.body
    }
}

/// Lends an HTTP client to `body`.
func withHTTPClient<Result>(_ body: (HTTPClient) async throws -> Result) async throws -> Result {
    let client = HTTPClient(version: TickwireVersion.current)
    do {
        let result = try await body(client)
        await client.shutdown()
        return result
    } catch {
        await client.shutdown()
        throw error
    }
}
