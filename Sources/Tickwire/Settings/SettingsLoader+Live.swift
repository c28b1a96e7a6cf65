import Market

/// Reads whose prices are shown on lock screens.
extension SettingsLoader {
    static func readLive(_ values: Values) throws -> LivePriceSettings {
        var live = LivePriceSettings()
        if let names = values.list("push.live.symbols"), !names.isEmpty {
            live.symbols = try self.liveSymbols(names)
        }
        if let seconds = try values.whole("push.live.cadence", in: LivePriceSettings.cadenceRange) {
            live.cadenceSeconds = seconds
        }
        live.alertUsers = values.list("push.live.alertUsers").map { Set($0) }
        return live
    }

    private static func liveSymbols(_ names: [String]) throws -> LivePriceSettings.Symbols {
        if names == ["*"] { return .all }
        var symbols: Set<Symbol> = []
        for name in names {
            do { symbols.insert(try Symbol(name)) } catch {
                throw SetupError.badSetting(
                    name: "push.live.symbols", value: name,
                    expected: "symbols such as BTC-USD, AAPL, or * alone for all that apps ask for")
            }
        }
        return .listed(symbols)
    }
}
