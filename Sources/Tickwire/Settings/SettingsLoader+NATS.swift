import Backplane
import Foundation
import Ingest

/// Reads how other nodes are reached.
extension SettingsLoader {
    static let natsKeys = ["nats.url", "nats.credentials", "nats.authority"]

    static func readNATS(_ values: Values, into settings: inout Settings) throws {
        let credentials = try self.file(values, "nats.credentials")
        let authority = try self.file(values, "nats.authority")
        guard let urls = values.list("nats.url"), !urls.isEmpty else {
            for (key, file) in [("nats.credentials", credentials), ("nats.authority", authority)] {
                guard let file else { continue }
                throw SetupError.badSetting(name: key, value: file, expected: "nothing without nats.url: set that too")
            }
            return
        }
        do {
            var servers = try NATSServers(urls.joined(separator: ","))
            servers.credentialsFile = credentials
            servers.authorityFile = authority
            settings.nats = servers
        } catch {
            // The error leaves passwords out.
            guard case .invalidServer(let text) = error else { throw error }
            throw SetupError.badSetting(
                name: "nats.url", value: text,
                expected: "nats://HOST:4222 or tls://USER:PASSWORD@HOST:4222, several separated by commas")
        }
        if let url = settings.publishURL, !PublisherSettings.isHosted(url) {
            throw SetupError.badSetting(
                name: "publishURL", value: url,
                expected: "nothing beside nats.url, which reaches every gateway; only hosted Pusher can be fed as well")
        }
    }

    private static func file(_ values: Values, _ key: String) throws -> String? {
        guard let file = values.text(key) else { return nil }
        let path = self.absolute(file)
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw SetupError.badSetting(name: key, value: file, expected: "a file that can be read")
        }
        return path
    }
}
