import Beams

/// Reads what concerns the Beams-compatible server.
extension SettingsLoader {
    static let beamsKeys = ["beams.instance", "beams.secretKey", "beams.webhooks", "beams.webhookSecret"]

    /// The shortest secret key: it signs tokens.
    private static let keyBytesMin = 16

    static func readBeams(_ values: Values, into settings: inout Settings) throws {
        try self.readBeamsInstance(values, into: &settings)
        settings.beamsWebhookSecret = values.text("beams.webhookSecret") ?? settings.beamsInstance?.secretKey
        for url in values.list("beams.webhooks") ?? [] {
            guard settings.beamsInstance != nil else {
                throw SetupError.badSetting(
                    name: "beams.webhooks", value: url, expected: "beams.instance and beams.secretKey beside it")
            }
            guard Publication.isWebhookURL(url) else {
                throw SetupError.badSetting(
                    name: "beams.webhooks", value: url,
                    expected: "http or https URLs of at most 2048 bytes, without user, separated by commas")
            }
            settings.beamsWebhooks.append(url)
        }
    }

    private static func readBeamsInstance(_ values: Values, into settings: inout Settings) throws {
        switch (values.text("beams.instance"), values.text("beams.secretKey")) {
        case (nil, nil): return
        case (let id?, let key?):
            guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy(Self.isIDByte) else {
                throw SetupError.badSetting(
                    name: "beams.instance", value: id, expected: "1 to 64 letters, digits and '-', such as a UUID")
            }
            guard key.utf8.count >= Self.keyBytesMin else {
                throw SetupError.badSetting(
                    name: "beams.secretKey", value: "(hidden)",
                    expected: "at least \(Self.keyBytesMin) characters, for example from 'openssl rand -hex 32'")
            }
            settings.beamsInstance = ServedInstance(id: id, secretKey: key)
        case (let id, _):
            throw SetupError.badSetting(
                name: id == nil ? "beams.instance" : "beams.secretKey", value: "",
                expected: "a value: beams.instance and beams.secretKey go together")
        }
    }

    private static func isIDByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
