import Alerts
import Foundation
import Market
import Notifications
import Testing

@Suite("Words of a firing")
struct AlertTextTests {
    private static let time = Timestamp(nanoseconds: 1_795_435_200_000_000_000)

    private static func decimal(_ text: String) throws -> Decimal64 { try #require(Decimal64(text)) }

    /// The title and the body of a firing, as the channel carries them.
    private static func texts(_ fired: FiredAlert, decimals: Int? = nil) throws -> (title: String, body: String) {
        let payloads = try NotificationPayloads(fired, options: try NotificationOptions(), decimals: decimals)
        let data = try NotificationPayloadsTests.object(payloads.channelData)
        return (try #require(data["title"] as? String), try #require(data["body"] as? String))
    }

    private static func fired(
        _ expression: String, price: String = "70010.5", previous: String? = "69990.25",
        measurement: AlertMeasurement? = nil
    ) throws -> FiredAlert {
        var fired = try NotificationPayloadsTests.fired(expression, price: price, previous: previous)
        fired.measurement = measurement
        return fired
    }

    private static func measurement(_ amount: AlertAmount?, _ reference: String?) throws -> AlertMeasurement {
        AlertMeasurement(
            amount: amount, reference: try reference.map { try Self.decimal($0) },
            referenceTime: Self.time.advanced(byNanoseconds: -60_000_000_000))
    }

    @Test(
        "Every kind says what happened, and what it is measured from",
        arguments: [
            ("above 70000", nil, nil, "BTC-USD is above 70000", "70010.5 on coinbase at 12:00:00 UTC, before 69990.25"),
            (
                "crosses 70000", nil, nil, "BTC-USD crossed above 70000",
                "70010.5 on coinbase at 12:00:00 UTC, before 69990.25"
            ),
            (
                "between 70000 and 71000", nil, nil, "BTC-USD is between 70000 and 71000",
                "70010.5 on coinbase at 12:00:00 UTC, before 69990.25"
            ),
            (
                "enters 70000..71000", nil, nil, "BTC-USD entered 70000–71000",
                "70010.5 on coinbase at 12:00:00 UTC, before 69990.25"
            ),
            (
                "leaves 69000..70000", nil, nil, "BTC-USD left 69000–70000 upwards",
                "70010.5 on coinbase at 12:00:00 UTC, before 69990.25"
            ),
            (
                "moves 5% in 10m", "5.2341%", "66528.2", "BTC-USD is up 5.23% in 10m",
                "70010.5 on coinbase at 12:00:00 UTC, from 66528.2 at 11:59:00 UTC"
            ),
            (
                "moves 500 in 1h", "510.5", "70521", "BTC-USD is down 510.5 in 1h",
                "70010.5 on coinbase at 12:00:00 UTC, from 70521 at 11:59:00 UTC"
            ),
            (
                "up 3% today", "3.1%", "67905", "BTC-USD is up 3.1% today",
                "70010.5 on coinbase at 12:00:00 UTC, from 67905 at 11:59:00 UTC"
            ),
            ("moves 5% in 10m", nil, nil, "BTC-USD moved 5% in 10m", "70010.5 on coinbase at 12:00:00 UTC"),
            (
                "new high of 24h", nil, "70001", "BTC-USD has a new high of 1d",
                "70010.5 on coinbase at 12:00:00 UTC, the high before 70001 at 11:59:00 UTC"
            ),
            (
                "new low of 30d", nil, "70020", "BTC-USD has a new low of 30d",
                "70010.5 on coinbase at 12:00:00 UTC, the low before 70020 at 11:59:00 UTC"
            ),
            (
                "volume above 5x in 5m", "6.25x", nil, "BTC-USD volume is 6.25x the usual in 5m",
                "70010.5 on coinbase at 12:00:00 UTC, before 69990.25"
            ),
            (
                "volume above 1200 in 5m", "1350.98765", nil, "BTC-USD volume is 1350.99 in 5m",
                "70010.5 on coinbase at 12:00:00 UTC, before 69990.25"
            ),
            (
                "spread above 0.5%", "0.62%", "70000", "BTC-USD spread is 0.62%",
                "70010.5 on coinbase at 12:00:00 UTC, bid 70000"
            ),
            (
                "silent for 60s", nil, nil, "BTC-USD is silent for 1m",
                "Last heard at 12:00:00 UTC on coinbase, last price 70010.5"
            ),
            (
                "diverges 1% between coinbase and kraken", "1.2%", "69180.3",
                "BTC-USD differs by 1.2% between coinbase and kraken",
                "70010.5 on coinbase at 12:00:00 UTC, 69180.3 on kraken"
            ),
        ] as [(String, String?, String?, String, String)])
    func kinds(expression: String, amount: String?, reference: String?, title: String, body: String) throws {
        let number = try amount.map { try Self.decimal($0.trimmingCharacters(in: CharacterSet(charactersIn: "%x"))) }
        let measured: AlertAmount? = number.map {
            amount?.last == "%" ? .percent($0) : amount?.last == "x" ? .multiple($0) : .absolute($0)
        }
        let isMeasured = amount != nil || reference != nil
        let fired = try Self.fired(expression, measurement: isMeasured ? Self.measurement(measured, reference) : nil)
        let texts = try Self.texts(fired)
        #expect(texts.title == title)
        #expect(texts.body == body)
    }

    @Test("A silence that was never broken says so")
    func neverHeard() throws {
        var fired = try Self.fired("silent for 60s")
        fired.cause.venue = nil
        fired.cause.price = nil
        #expect(try Self.texts(fired).body == "Nothing was heard since the alert was set")
    }

    @Test("A late firing says why and since when")
    func late() throws {
        var fired = try Self.fired("above 70000", previous: nil)
        fired.lateness = AlertLateness(reason: .gap, since: Self.time.advanced(byNanoseconds: -120_000_000_000))
        #expect(
            try Self.texts(fired).body
                == "70010.5 on coinbase at 12:00:00 UTC; late: the feed had a gap since 11:58:00 UTC")
        fired.lateness = AlertLateness(reason: .restart, since: Self.time.advanced(byNanoseconds: -86_400_000_000_000))
        #expect(
            try Self.texts(fired).body.hasSuffix("; late: the service was not watching since 2026-11-22 12:00:00 UTC"))
        let data = try NotificationPayloadsTests.object(try NotificationPayloadsTests.payloads(fired).channelData)
        #expect(
            data["late"] as? [String: String] == ["reason": "restart", "since": "2026-11-22T12:00:00.000000Z"])
    }

    @Test("A storm says that the alert is paused")
    func storm() throws {
        var fired = try Self.fired("above 70000", previous: nil)
        fired.isStorm = true
        let texts = try Self.texts(fired)
        #expect(texts.title == "BTC-USD is above 70000 (paused)")
        #expect(texts.body.hasSuffix(". It fired too often: the alert is paused until it is resumed"))
        let data = try NotificationPayloadsTests.object(try NotificationPayloadsTests.payloads(fired).channelData)
        #expect(data["storm"] as? Bool == true && data["late"] == nil)
    }

    @Test("Numbers follow the tick size and the locale of the alert")
    func locale() throws {
        var fired = try Self.fired("crosses above 70000")
        fired.alert.locale = "de"
        let seen = try Self.texts(fired)
        #expect(seen.title == "BTC-USD crossed above 70.000")
        #expect(seen.body == "70.010,50 on coinbase at 12:00:00 UTC, before 69.990,25")
        #expect(try Self.texts(fired, decimals: 1).body == "70.010,5 on coinbase at 12:00:00 UTC, before 69.990,2")
    }

    @Test("A template's fields are what the firing says")
    func template() throws {
        var fired = try Self.fired(
            "moves 5% in 10m", measurement: Self.measurement(.percent(Self.decimal("5.2341")), "66528.2"))
        let fields = MessageTemplate.Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: "|")
        fired.alert.template = AlertTemplate(title: "{symbol} {direction} {{}}", body: fields)
        let texts = try Self.texts(fired)
        #expect(texts.title == "BTC-USD up {}")
        #expect(
            texts.body == "BTC-USD|70010.5|+5.23%|moves 5% in 10m|5%|up|5.23%|66528.2|69990.25|coinbase|"
                + "2026-11-23 12:00:00 UTC||3|ada")
        fired.cause.price = nil
        fired.measurement = nil
        fired.previousPrice = nil
        fired.alert.template = AlertTemplate(body: "{price} {change} {reference} {previous} {value}")
        #expect(try Self.texts(fired).body == "– – – – –")
    }

    @Test("A stored template that is none any more gives way to the standard text")
    func brokenTemplate() throws {
        var fired = try Self.fired("above 70000")
        fired.alert.template = AlertTemplate(title: "{nonsense}", body: nil)
        #expect(try Self.texts(fired).title == "BTC-USD is above 70000")
    }

    @Test("The longest text is cut, so that it fits every service")
    func longest() throws {
        var fired = try Self.fired("above 70000", previous: nil)
        fired.alert.template = AlertTemplate(
            title: String(repeating: "é", count: 500), body: String(repeating: "\"\n", count: 2_000))
        let payloads = try NotificationPayloadsTests.payloads(fired)
        #expect(payloads.apns.payload.count <= APNsNotification.payloadLimit)
        #expect(payloads.fcm.json.count <= FCMMessage.limit)
        #expect(payloads.webPush.document.count <= WebPushMessage.limit)
        let data = try NotificationPayloadsTests.object(payloads.channelData)
        #expect((data["title"] as? String)?.hasSuffix("é…") == true)
        #expect((data["title"] as? String)?.utf8.count ?? 999 <= 256)
    }

    @Test(
        "What was measured is told exactly, with its unit",
        arguments: [
            ("above 70000", nil, "level", "70010.5", "price"),
            ("moves 5% in 10m", "5.2341%", "moves", "5.2341", "percent"),
            ("moves 500 in 1h", "510.5", "moves", "510.5", "price"),
            ("volume above 5x in 5m", "6.25x", "volume", "6.25", "multiple"),
            ("volume above 5 in 5m", "6.25", "volume", "6.25", "volume"),
            ("silent for 1m", nil, "silent", "60", "seconds"),
        ] as [(String, String?, String, String, String)])
    func values(expression: String, amount: String?, kind: String, value: String, unit: String) throws {
        let number = try amount.map { try Self.decimal($0.trimmingCharacters(in: CharacterSet(charactersIn: "%x"))) }
        let measured: AlertAmount? = number.map {
            amount?.last == "%" ? .percent($0) : amount?.last == "x" ? .multiple($0) : .absolute($0)
        }
        let fired = try Self.fired(expression, measurement: amount == nil ? nil : Self.measurement(measured, "66528.2"))
        let data = try NotificationPayloadsTests.object(try NotificationPayloadsTests.payloads(fired).channelData)
        #expect(data["kind"] as? String == kind)
        #expect(data["value"] as? String == value && data["unit"] as? String == unit)
        #expect(data["priority"] as? String == "active" && data["storm"] as? Bool == false)
        if amount != nil {
            #expect(data["reference"] as? String == "66528.2")
            #expect(data["referenceTime"] as? String == "2026-11-23T11:59:00.000000Z")
        }
    }

    @Test("An alert's own priority goes before that of the settings", arguments: AlertPriority.allCases)
    func priority(priority: AlertPriority) throws {
        let fired = try Self.fired("above 70000 priority \(priority)")
        let payloads = try NotificationPayloads(fired, options: try NotificationOptions(priority: .passive))
        let text = String(decoding: payloads.apns.payload, as: UTF8.self)
        #expect(text.contains("\"interruption-level\":\"\(priority == .urgent ? "time-sensitive" : "passive")\""))
    }
}
