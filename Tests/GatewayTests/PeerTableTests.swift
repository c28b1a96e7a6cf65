import Backplane
import NIOCore
import Testing

@testable import Gateway

@Suite("The table of other nodes")
struct PeerTableTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let records = [DirectoryRecord.user(app: "3", id: "1", isOnline: true)]

    private func pulse(_ sequence: UInt64, epoch: UInt64 = 1, isReady: Bool = true) -> NodeMessage.Pulse {
        var pulse = NodeMessage.Pulse(epoch: epoch, sequence: sequence)
        pulse.hasClients = true
        pulse.isReady = isReady
        return pulse
    }

    /// A table that knows all of node 7 up to change 5.
    private func synced(isReady: Bool = true) -> PeerTable {
        var table = PeerTable()
        _ = table.connected(now: self.start)
        _ = table.heard(7, self.pulse(5, isReady: isReady), now: self.start)
        _ = table.stated(7, epoch: 1, sequence: 5, part: 0, isLast: true, self.records, now: self.start)
        return table
    }

    @Test("A node heard for the first time is greeted and asked for everything")
    func first() {
        var table = PeerTable()
        _ = table.connected(now: self.start)
        #expect(table.heard(7, self.pulse(5), now: self.start) == [.greetBack, .requestState(7)])
        #expect(!table.isSettled)
        #expect(
            table.stated(7, epoch: 1, sequence: 5, part: 0, isLast: true, self.records, now: self.start)
                == [.replace(7, self.records, isNews: false)])
        #expect(table.isSettled && table.tellers == [7])
    }

    @Test("What a node has that was here before us is no news; of a newcomer it is")
    func newcomer() {
        var table = PeerTable()
        _ = table.connected(now: self.start)
        _ = table.heard(7, self.pulse(0, isReady: false), now: self.start)
        #expect(
            table.stated(7, epoch: 1, sequence: 0, part: 0, isLast: true, [], now: self.start)
                == [.replace(7, [], isNews: true)])
        #expect(table.tellers.isEmpty, "it does not know yet what others have said")
        _ = table.heard(7, self.pulse(0), now: self.start)
        #expect(table.tellers == [7])
    }

    @Test("Changes in order are taken in, repeated ones are not")
    func inOrder() {
        var table = self.synced()
        #expect(table.changed(7, epoch: 1, sequence: 6, self.records, now: self.start) == [.apply(7, self.records)])
        #expect(table.changed(7, epoch: 1, sequence: 6, self.records, now: self.start).isEmpty)
        #expect(table.changed(7, epoch: 1, sequence: 3, self.records, now: self.start).isEmpty)
    }

    @Test("A hole makes the whole state asked for, and nothing is believed until it is there")
    func hole() {
        var table = self.synced()
        #expect(table.changed(7, epoch: 1, sequence: 8, self.records, now: self.start) == [.requestState(7)])
        #expect(table.changed(7, epoch: 1, sequence: 9, self.records, now: self.start).isEmpty)
        #expect(
            table.stated(7, epoch: 1, sequence: 9, part: 0, isLast: true, [], now: self.start)
                == [.replace(7, [], isNews: true)])
        #expect(table.changed(7, epoch: 1, sequence: 10, self.records, now: self.start) == [.apply(7, self.records)])
    }

    @Test("The last changes may be lost as well: the heartbeat shows it")
    func heartbeatShowsHole() {
        var table = self.synced()
        #expect(table.heard(7, self.pulse(5), now: self.start).isEmpty)
        #expect(table.heard(7, self.pulse(6), now: self.start) == [.requestState(7)])
    }

    @Test("A request without an answer is repeated after its time")
    func repeated() {
        var table = self.synced()
        _ = table.changed(7, epoch: 1, sequence: 8, [], now: self.start)
        #expect(table.tick(now: self.start + .milliseconds(900)).isEmpty)
        #expect(table.tick(now: self.start + .milliseconds(1000)) == [.requestState(7)])
    }

    @Test("A full state in parts counts when none is missing")
    func parts() {
        var table = PeerTable()
        _ = table.connected(now: self.start)
        _ = table.heard(7, self.pulse(5), now: self.start)
        let state = { (table: inout PeerTable, part: Int, isLast: Bool) in
            table.stated(7, epoch: 1, sequence: 5, part: part, isLast: isLast, self.records, now: self.start)
        }
        #expect(state(&table, 0, false).isEmpty)
        #expect(state(&table, 2, true).isEmpty)
        #expect(!table.isSettled)
        #expect(state(&table, 0, false).isEmpty)
        #expect(state(&table, 1, true) == [.replace(7, self.records + self.records, isNews: false)])
    }

    @Test("A node with a new epoch has nothing to do with the older: its old changes mean nothing")
    func epoch() {
        var table = self.synced()
        #expect(table.heard(7, self.pulse(1, epoch: 2), now: self.start) == [.requestState(7)])
        #expect(table.changed(7, epoch: 1, sequence: 6, self.records, now: self.start).isEmpty)
        #expect(table.stated(7, epoch: 1, sequence: 6, part: 0, isLast: true, [], now: self.start).isEmpty)
        #expect(
            table.stated(7, epoch: 2, sequence: 1, part: 0, isLast: true, [], now: self.start)
                == [.replace(7, [], isNews: true)])
    }

    @Test("A node that is silent for the lease is gone, and its return is news")
    func lease() {
        var table = self.synced()
        #expect(table.tick(now: self.start + .seconds(4)).isEmpty)
        #expect(table.tick(now: self.start + .seconds(5)) == [.remove(7, isNews: true, since: 0)])
        #expect(table.nodes.isEmpty)
        _ = table.heard(7, self.pulse(9), now: self.start + .seconds(6))
        #expect(
            table.stated(7, epoch: 1, sequence: 9, part: 0, isLast: true, [], now: self.start + .seconds(6))
                == [.replace(7, [], isNews: true)])
    }

    @Test("Whoever has lost its own connection takes the others out, and blames nobody")
    func ownLoss() {
        var table = self.synced()
        table.disconnected()
        #expect(table.tick(now: self.start + .seconds(5)) == [.remove(7, isNews: false, since: 0)])
        _ = table.connected(now: self.start + .seconds(9))
        _ = table.heard(7, self.pulse(9), now: self.start + .seconds(9))
        #expect(
            table.stated(7, epoch: 1, sequence: 9, part: 0, isLast: true, [], now: self.start + .seconds(9))
                == [.replace(7, [], isNews: false)])
    }

    @Test("After a short loss everything is asked for again, and nobody's lease has run meanwhile")
    func reconnected() {
        var table = self.synced()
        table.disconnected()
        #expect(table.connected(now: self.start + .seconds(3)) == [.requestState(7)])
        #expect(table.tick(now: self.start + .milliseconds(3500)).isEmpty)
    }

    @Test("A node that says goodbye is gone at once")
    func goodbye() {
        var table = self.synced()
        #expect(table.left(7) == [.remove(7, isNews: true, since: 0)])
        #expect(table.left(7).isEmpty)
    }

    @Test("The last node that market data comes from is missed")
    func feeders() {
        var table = PeerTable()
        _ = table.connected(now: self.start)
        var feeding = NodeMessage.Pulse(epoch: 1, sequence: 0)
        feeding.isFeeding = true
        feeding.isGreeting = true
        #expect(table.heard(8, feeding, now: self.start) == [.feederCame, .greetBack])
        #expect(table.heard(9, feeding, now: self.start + .seconds(2)) == [.feederCame, .greetBack])
        #expect(table.isSettled && table.tellers.isEmpty)
        #expect(table.tick(now: self.start + .seconds(5)) == [.remove(8, isNews: true, since: 0)])
        #expect(table.tick(now: self.start + .seconds(7)) == [.remove(9, isNews: true, since: 0), .feedersGone])
    }

    @Test("Lost messages of nobody knows whom make everything asked for")
    func lost() {
        var table = self.synced()
        #expect(table.lost(now: self.start) == [.requestState(7)])
    }
}
