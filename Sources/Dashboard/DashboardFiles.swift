/// The files of the page that shows prices, alerts and notifications; compiled into the program.
public struct DashboardFiles: Sendable {
    /// One file, ready to be sent.
    public struct File: Sendable, Hashable {
        /// Its name, which is its path below the page's own.
        public let name: String
        /// The header `Content-Type`.
        public let contentType: String
        /// Its bytes.
        public let bytes: [UInt8]
    }

    /// All of them; the page itself is `index.html`.
    public static let all: [File] = [
        File(name: "index.html", contentType: "text/html; charset=utf-8", bytes: PackageResources.index_html),
        File(name: "style.css", contentType: "text/css; charset=utf-8", bytes: PackageResources.style_css),
        File(name: "icon.svg", contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
        File(
            name: "manifest.webmanifest", contentType: "application/manifest+json",
            bytes: PackageResources.manifest_webmanifest),
        script("app.js", PackageResources.app_js), script("api.js", PackageResources.api_js),
        script("alerts.js", PackageResources.alerts_js), script("channels.js", PackageResources.channels_js),
        script("chart.js", PackageResources.chart_js), script("detail.js", PackageResources.detail_js),
        script("format.js", PackageResources.format_js),
        script("notifications.js", PackageResources.notifications_js),
        script("service-worker.js", PackageResources.service_worker_js),
        script("watch.js", PackageResources.watch_js),
    ]

    /// What the page may do: only what comes from its own server.
    ///
    /// Source: Content Security Policy Level 3.
    public static let contentSecurityPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
        "connect-src 'self' ws: wss:", "manifest-src 'self'", "worker-src 'self'", "base-uri 'none'",
        "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    private static func script(_ name: String, _ bytes: [UInt8]) -> File {
        File(name: name, contentType: "text/javascript; charset=utf-8", bytes: bytes)
    }
}
