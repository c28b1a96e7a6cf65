import Channels
import Gateway

/// What a person reads when the service is up: where it is and how to connect.
struct Announcement: Sendable {
    let kind: ServiceRunner.Kind
    let settings: Settings
    let app: App
    let port: Int

    var text: String {
        let host = self.settings.bind == "0.0.0.0" || self.settings.bind == "::" ? "localhost" : self.settings.bind
        let database =
            self.settings.databaseURL == nil ? "private PostgreSQL in \(self.settings.dataDirectory)" : "DATABASE_URL"
        let isSecure = self.settings.gateway.tls != nil
        let (http, ws) = isSecure ? ("https", "wss") : ("http", "ws")
        if self.kind == .ingest {
            return """
                Tickwire ingester is running; data in: \(database)
                  health   \(http)://\(host):\(self.port)/healthz  /readyz  /metrics
                Ctrl-C stops it.
                """
        }
        var lines = [
            "Tickwire is running; data in: \(database)",
            "  channels  \(ws)://\(host):\(self.port)/app/\(self.app.signingCredentials.key)   (Pusher protocol 7)",
            "  HTTP API  \(http)://\(host):\(self.port)/apps/\(self.app.id)/events   secret: \(self.secretPlace)",
            "  in JS     new Pusher('\(self.app.signingCredentials.key)', {wsHost: '\(host)', \(ws)Port: \(self.port), forceTLS: \(isSecure), enabledTransports: ['\(ws)'], cluster: ''})",
        ]
        if self.kind == .up { lines.append("  prices    tickwire watch BTC-USD AAPL") }
        if self.settings.isDemo { lines.append("  market    simulated: every price is labelled as venue 'sim'") }
        lines.append("Ctrl-C stops everything.")
        return lines.joined(separator: "\n")
    }

    private var secretPlace: String {
        self.settings.appSecret == nil ? AppCredentials.file(in: self.settings.dataDirectory) : "TICKWIRE_APP_SECRET"
    }
}
