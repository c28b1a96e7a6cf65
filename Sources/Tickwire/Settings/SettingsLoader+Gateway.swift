import Channels
import Gateway

/// Reads what concerns the gateway's connections: TLS, limits, origins, compression.
extension SettingsLoader {
    static let gatewayKeys = [
        "tls.certificate", "tls.key", "gateway.connections", "gateway.connectionsPerAddress",
        "gateway.messagesPerSecond",
        "gateway.origins", "gateway.compression", "gateway.drainSeconds", "gateway.trustedProxies", "gateway.httpPath",
        "gateway.activityTimeout", "gateway.pongTimeout", "gateway.clientEventsPerSecond", "gateway.requireProtocol",
    ]

    static func readGateway(_ values: Values, into settings: inout Settings) throws {
        switch (values.text("tls.certificate"), values.text("tls.key")) {
        case (nil, nil): break
        case (let certificate?, let key?):
            settings.gateway.tls = TLSFiles(certificate: self.absolute(certificate), key: self.absolute(key))
        case (let certificate, _):
            throw SetupError.badSetting(
                name: certificate == nil ? "tls.certificate" : "tls.key", value: "",
                expected: "a file in PEM: tls.certificate and tls.key go together")
        }
        if let count = try values.whole("gateway.connections", in: 1...1_000_000) {
            settings.gateway.connectionsMax = count
        }
        settings.gateway.connectionsPerAddressMax = try values.whole("gateway.connectionsPerAddress", in: 1...1_000_000)
        if let count = try values.whole("gateway.messagesPerSecond", in: 1...1_000_000) {
            settings.gateway.messagesPerSecondMax = count
        }
        if let list = values.list("gateway.origins") {
            guard let rules = OriginRules(list) else {
                throw SetupError.badSetting(
                    name: "gateway.origins", value: list.first { !OriginRules.isOrigin($0) } ?? "",
                    expected: "origins such as https://shop.example or *.shop.example, separated by commas, or *")
            }
            settings.gateway.origins = rules
        }
        try self.readProxies(values, into: &settings)
        try self.readProtocol(values, into: &settings)
        if let compression = try values.flag("gateway.compression") {
            settings.gateway.isCompressionEnabled = compression
        }
        if let seconds = try values.whole("gateway.drainSeconds", in: 0...600) {
            settings.gateway.drainWindow = .seconds(seconds)
        }
    }

    private static func readProxies(_ values: Values, into settings: inout Settings) throws {
        if let list = values.list("gateway.trustedProxies") {
            guard let ranges = list == ["none"] ? AddressRanges.none : AddressRanges(list) else {
                throw SetupError.badSetting(
                    name: "gateway.trustedProxies", value: list.first { !AddressRanges.isRange($0) } ?? "",
                    expected: "addresses and networks such as 10.0.0.0/8, 192.168.1.7 or fd00::/8, or none alone")
            }
            settings.gateway.trustedProxies = ranges
        }
        if let path = values.text("gateway.httpPath") {
            let isPath =
                path.hasPrefix("/") && !path.hasSuffix("/") && !path.contains("//")
                && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%".utf8.contains($0) }
            guard isPath, !["/app", "/apps", "/v1"].contains(where: { path == $0 || path.hasPrefix($0 + "/") }) else {
                throw SetupError.badSetting(
                    name: "gateway.httpPath", value: path,
                    expected: "a path such as /pusher: a slash in front, none behind, not under /app, /apps or /v1")
            }
            settings.gateway.fallback.basePath = path
        }
    }

    /// What the Pusher protocol leaves to the server.
    private static func readProtocol(_ values: Values, into settings: inout Settings) throws {
        if let seconds = try values.whole("gateway.activityTimeout", in: 1...3600) {
            settings.gateway.connection.activityTimeout = seconds
        }
        if let seconds = try values.whole("gateway.pongTimeout", in: 1...600) {
            settings.gateway.connection.pongTimeout = .seconds(seconds)
        }
        if let count = try values.whole("gateway.clientEventsPerSecond", in: 1...10_000) {
            settings.gateway.connection.clientEventsPerSecond = count
        }
        if let isRequired = try values.flag("gateway.requireProtocol") {
            settings.gateway.connection.requiresProtocolVersion = isRequired
        }
    }
}
