import ArgumentParser
import Foundation
import HTTPClient
import Ingest
import Tickwire

/// `tickwire feeds status`.
struct FeedsStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how the feeds of a running service are.",
        discussion: """
            Reads /v1/feeds of 'tickwire up' or 'tickwire ingest'. Below the table stands what needs attention: why a connection waits,
            symbols that a venue refuses, a changed file that is not fit to run, frames that no rule takes.

            EXAMPLES
              tickwire feeds status
              tickwire feeds status --watch
              tickwire feeds status --json --url http://ingester.example:6002
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: "The service; default: the local one.")
    var url: String?
    @Flag(help: "Show it again every second until Ctrl-C.")
    var watch = false
    @Flag(help: "The service's answer as it is, on one line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let host = ["0.0.0.0", "::"].contains(settings.bind) ? "127.0.0.1" : settings.bind
        var base = self.url ?? "http://\(host):\(settings.port)"
        while base.hasSuffix("/") { base.removeLast() }
        let client = HTTPClient(version: TickwireVersion.current)
        do {
            try await self.show(base, client)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    private func show(_ base: String, _ client: HTTPClient) async throws {
        var view = FeedStatusView()
        while true {
            let body = try await self.answer(base, client)
            if self.json {
                Terminal.write(body + Array("\n".utf8))
            } else {
                guard let status = try? JSONDecoder().decode([FeedReport].self, from: Data(body)) else {
                    throw CommandError.unavailable(
                        "\(base)/v1/feeds does not answer as a Tickwire service does. Check --url.")
                }
                view.show(status, now: Date())
            }
            guard self.watch else { return }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func answer(_ base: String, _ client: HTTPClient) async throws -> [UInt8] {
        let response: HTTPResponse
        do {
            response = try await client.execute(HTTPRequest(url: base + "/v1/feeds", timeout: .seconds(5)))
        } catch {
            throw CommandError.unavailable(
                "No service answers at \(base) (\(error)). Start one with 'tickwire up' or 'tickwire ingest', or give --url."
            )
        }
        if response.status == 404 {
            throw CommandError.unavailable(
                "\(base) runs no feeds. Give --url of a process started with 'tickwire up' or 'tickwire ingest'.")
        }
        guard response.status == 200 else {
            throw CommandError.unavailable("\(base)/v1/feeds answers with HTTP status \(response.status).")
        }
        return response.body
    }
}
