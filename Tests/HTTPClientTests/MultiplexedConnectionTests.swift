import Testing

@testable import HTTPClient

@Suite("The life of one HTTP/2 connection")
struct MultiplexedConnectionTests {
    private static let start = ContinuousClock.now

    private static func at(_ seconds: Int) -> ContinuousClock.Instant { self.start.advanced(by: .seconds(seconds)) }

    private static func connection(streamsMax: Int = 500) -> MultiplexedConnection {
        MultiplexedConnection(limits: MultiplexLimits(streamsMax: streamsMax), now: Self.start)
    }

    private static func hot(streamsMax: Int = 500) -> MultiplexedConnection {
        var connection = Self.connection(streamsMax: streamsMax)
        connection.began(now: Self.start)
        #expect(connection.ended(.accepted, now: Self.start) == .useRoom)
        return connection
    }

    @Test("A cold connection takes one request, and no other until that was answered")
    func cold() {
        var connection = Self.connection()
        #expect(connection.room == 1)
        connection.began(now: Self.start)
        #expect(connection.phase == .warming && connection.room == 0)
    }

    @Test("An accepted first request makes it hot; one that was rejected or given up leaves it cold")
    func warming() {
        #expect(Self.hot().phase == .hot)
        for ending in [MultiplexedConnection.Ending.rejected, .givenUp] {
            var connection = Self.connection()
            connection.began(now: Self.start)
            #expect(connection.ended(ending, now: Self.start) == .useRoom)
            #expect(connection.phase == .cold && connection.room == 1)
        }
    }

    @Test("A hot connection takes as many as its limit, and goes on when some are rejected")
    func streams() {
        var connection = Self.hot(streamsMax: 3)
        for _ in 0..<3 { connection.began(now: Self.start) }
        #expect(connection.room == 0)
        #expect(connection.ended(.rejected, now: Self.start) == .useRoom)
        #expect(connection.phase == .hot && connection.room == 1)
    }

    @Test("A lost request makes it take nothing new; it closes with its last answer")
    func lost() {
        var connection = Self.hot()
        for _ in 0..<2 { connection.began(now: Self.start) }
        #expect(connection.ended(.lost, now: Self.start) == .doNothing)
        #expect(connection.phase == .draining && connection.room == 0)
        #expect(connection.ended(.accepted, now: Self.start) == .close)
        #expect(connection.phase == .dead)
    }

    @Test("Nothing answered for 20 s with requests on their way: it is given up")
    func silence() {
        var connection = Self.hot()
        for _ in 0..<2 { connection.began(now: Self.at(100)) }
        #expect(connection.ticked(now: Self.at(119)) == .doNothing)
        #expect(connection.ended(.accepted, now: Self.at(119)) == .useRoom)
        #expect(connection.ticked(now: Self.at(138)) == .doNothing)
        #expect(connection.ticked(now: Self.at(139)) == .abort)
        #expect(connection.phase == .dead)
        #expect(connection.ended(.lost, now: Self.at(139)) == .doNothing)
    }

    @Test("A request that was given up is no answer")
    func givenUp() {
        var connection = Self.hot()
        for _ in 0..<2 { connection.began(now: Self.start) }
        #expect(connection.ended(.givenUp, now: Self.at(15)) == .useRoom)
        #expect(connection.ticked(now: Self.at(20)) == .abort)
    }

    @Test("Silence without requests is no fault; after a minute of it the next request goes alone")
    func idle() {
        var connection = Self.hot()
        #expect(connection.ticked(now: Self.at(59)) == .doNothing && connection.phase == .hot)
        #expect(connection.ticked(now: Self.at(60)) == .doNothing && connection.phase == .cold)
        #expect(connection.room == 1)
        connection.began(now: Self.at(3_600))
        #expect(connection.ticked(now: Self.at(3_619)) == .doNothing)
    }

    @Test("After six hours it drains, and closes when nothing is on its way")
    func age() {
        var connection = Self.hot()
        connection.began(now: Self.at(21_599))
        #expect(connection.ticked(now: Self.at(21_600)) == .doNothing && connection.phase == .draining)
        #expect(connection.ended(.accepted, now: Self.at(21_601)) == .close)
        var quiet = Self.hot()
        #expect(quiet.ticked(now: Self.at(21_600)) == .close && quiet.phase == .dead)
    }

    @Test("Draining a connection that warms lets its request end")
    func drainWarming() {
        var connection = Self.connection()
        connection.began(now: Self.start)
        #expect(connection.drain() == .doNothing && connection.phase == .draining)
        #expect(connection.ended(.accepted, now: Self.start) == .close)
        #expect(connection.drain() == .doNothing)
    }
}
