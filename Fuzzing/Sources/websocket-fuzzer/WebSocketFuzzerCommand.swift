import FuzzDriver
import GatewayTesting

/// Fuzzes the gateway's WebSocket frames and messages.
@main
enum WebSocketFuzzerCommand {
    static func main() throws {
        let check = try WebSocketFuzzCheck()
        FuzzDriver.run { check.run($0) }
    }
}
