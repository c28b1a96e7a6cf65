import Gateway

/// Reads what concerns the gateway's connections: TLS, limits, origins, compression.
extension SettingsLoader {
    static let gatewayKeys = [
        "tls.certificate", "tls.key", "gateway.connections", "gateway.connectionsPerAddress",
        "gateway.messagesPerSecond",
        "gateway.origins", "gateway.compression", "gateway.drainSeconds",
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
        if let compression = try values.flag("gateway.compression") {
            settings.gateway.isCompressionEnabled = compression
        }
        if let seconds = try values.whole("gateway.drainSeconds", in: 0...600) {
            settings.gateway.drainWindow = .seconds(seconds)
        }
    }
}
