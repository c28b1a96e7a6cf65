import Backplane
import Gateway

/// The answer of `/v1/backplane`: whether the other nodes can be reached, and which there are.
enum BackplaneReport {
    static func json(_ bus: NATSConnection, _ hub: Hub) -> String {
        let counters = bus.counters
        let peers = hub.peerNodes.map { "\"\(String($0, radix: 16))\"" }.joined(separator: ",")
        return """
            {"node":"\(String(bus.node, radix: 16))","connected":\(counters.isConnected),"peers":[\(peers)],\
            "subscriptions":\(counters.subscriptions),"sent":\(counters.sent),"received":\(counters.received),\
            "sendDropped":\(counters.sendDropped),"receiveDropped":\(counters.receiveDropped)}
            """
    }
}
