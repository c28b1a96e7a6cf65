import Beams
import Testing

@Suite("Routes of the Beams API")
struct BeamsRouteTests {
    private static let device = BeamsDevice(platform: .web, id: "web-1")

    private func route(_ method: String, _ path: String, _ query: [String: String] = [:]) throws(BeamsError)
        -> BeamsRoute?
    {
        try BeamsRoute(method: method, path: path, query: query, instance: "inst")
    }

    @Test("Every call of the SDKs has its route")
    func calls() throws {
        let devices = "/device_api/v1/instances/inst/devices"
        let price = try InterestName("price;BTC-USD")
        let calls: [(String, String, BeamsRoute)] = [
            ("GET", "/device_api/v1/instances/inst/web-vapid-public-key", .webKey),
            ("POST", "\(devices)/web", .register(.web)), ("POST", "\(devices)/apns", .register(.apns)),
            ("POST", "\(devices)/fcm", .register(.fcm)), ("GET", "\(devices)/web/web-1", .device(Self.device)),
            ("DELETE", "\(devices)/web/web-1", .removeDevice(Self.device)),
            ("GET", "\(devices)/web/web-1/interests", .interests(Self.device, limit: 100, cursor: nil)),
            ("PUT", "\(devices)/web/web-1/interests", .setInterests(Self.device)),
            ("POST", "\(devices)/web/web-1/interests/price%3BBTC-USD", .subscribe(Self.device, price)),
            ("POST", "\(devices)/web/web-1/interests/price;BTC-USD", .subscribe(Self.device, price)),
            ("DELETE", "\(devices)/web/web-1/interests/price%3bBTC-USD", .unsubscribe(Self.device, price)),
            ("PUT", "\(devices)/web/web-1/user", .setUser(Self.device)),
            ("PUT", "\(devices)/web/web-1/metadata", .setMetadata(Self.device)),
            (
                "PUT", "\(devices)/fcm/f1/token", .setToken(BeamsDevice(platform: .fcm, id: "f1"))
            ),
            ("POST", "/reporting_api/v2/instances/inst/events", .report),
            ("POST", "/publish_api/v1/instances/inst/publishes", .publishToInterests),
            ("POST", "/publish_api/v1/instances/inst/publishes/interests", .publishToInterests),
            ("POST", "/publish_api/v1/instances/inst/publishes/users", .publishToUsers),
            ("DELETE", "/customer_api/v1/instances/inst/users/a%2Fb%20%C3%A9", .removeUser(try BeamsUserID("a/b é"))),
            ("DELETE", "/user_api/v1/instances/inst/users/ann", .removeUser(try BeamsUserID("ann"))),
        ]
        for (method, path, expected) in calls { #expect(try self.route(method, path) == expected, "\(method) \(path)") }
    }

    @Test("Pages are as large as asked for, up to a bound")
    func pages() throws {
        let path = "/device_api/v1/instances/inst/devices/web/web-1/interests"
        #expect(
            try self.route("GET", path, ["limit": "10", "cursor": "x"])
                == .interests(Self.device, limit: 10, cursor: "x"))
        #expect(try self.route("GET", path, ["limit": "1000"]) == .interests(Self.device, limit: 100, cursor: nil))
        for bad in ["0", "-1", "ten", ""] {
            let error = #expect(throws: BeamsError.self) { try self.route("GET", path, ["limit": bad]) }
            #expect(error?.status == 400)
        }
    }

    @Test(
        "Paths of others are left alone",
        arguments: ["/", "/apps/1/events", "/device_api", "/x/v1/instances/inst/events"])
    func others(path: String) throws {
        #expect(try self.route("GET", path) == nil)
    }

    @Test(
        "What does not exist is said with its status",
        arguments: [
            ("GET", "/device_api/v1/instances/other/web-vapid-public-key", 404),
            ("GET", "/device_api/v1/instances/inst/nothing", 404),
            ("POST", "/device_api/v1/instances/inst/devices/pager", 404),
            ("GET", "/device_api/v1/instances/inst/devices/web/web-1/interests/a/b", 404),
            ("POST", "/device_api/v1/instances/inst/web-vapid-public-key", 405),
            ("GET", "/publish_api/v1/instances/inst/publishes", 405),
            ("POST", "/device_api/v1/instances/inst/devices/web/web-1/interests/a%20b", 422),
            ("DELETE", "/customer_api/v1/instances/inst/users/\(String(repeating: "u", count: 165))", 422),
        ])
    func refusals(method: String, path: String, status: Int) {
        let error = #expect(throws: BeamsError.self) { try self.route(method, path) }
        #expect(error?.status == status)
        let body = String(decoding: error?.json ?? [], as: UTF8.self)
        #expect(body.contains("\"error\":\"") && body.contains("\"description\":\""))
    }
}
