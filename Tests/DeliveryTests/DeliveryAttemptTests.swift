import Delivery
import Market
import Notifications
import Testing

@Suite("The requests that one delivery may take")
struct DeliveryAttemptTests {
    @Test("What decides it ends the attempt")
    func endings() {
        let time = Timestamp(microseconds: 5)
        let table: [(PushVerdict, DeliveryAttempt.Ending)] = [
            (.delivered(id: "a"), .delivered(id: "a", isAtOtherEnvironment: false)),
            (.retry(after: nil), .retry(after: nil)), (.retry(after: .seconds(7)), .retry(after: .seconds(7))),
            (
                .dropTarget(unlessRegisteredAfter: time, reason: "gone"),
                .drop(unlessRegisteredAfter: time, reason: "gone")
            ),
            (.suspendCredential(reason: "bad"), .suspend(reason: "bad")),
            (.abandon(reason: "no"), .abandon(reason: "no")),
        ]
        for (verdict, ending) in table {
            var attempt = DeliveryAttempt()
            #expect(attempt.received(verdict) == .finish(ending))
        }
    }

    @Test("What is too large goes down the ladder, one rung each time, to its end")
    func shrinks() {
        var attempt = DeliveryAttempt()
        for extent in PushExtent.allCases.dropFirst() {
            var options = SendingOptions()
            options.extent = extent
            #expect(attempt.received(.shrink) == .send(options))
        }
        #expect(
            attempt.received(.shrink) == .finish(.abandon(reason: "it is too large, even in its shortest form")))
    }

    @Test("A new credential is tried once")
    func refreshes() {
        var attempt = DeliveryAttempt()
        var options = SendingOptions()
        options.needsFreshCredential = true
        options.hasRefreshedCredential = true
        #expect(attempt.received(.refreshCredential) == .send(options))
        guard case .finish(.suspend) = attempt.received(.refreshCredential) else {
            Issue.record("refreshed twice")
            return
        }
    }

    @Test("The other environment is tried once, and told when it took it")
    func environment() {
        var attempt = DeliveryAttempt()
        var options = SendingOptions()
        options.isAtOtherEnvironment = true
        #expect(attempt.received(.tryOtherEnvironment) == .send(options))
        #expect(attempt.received(.delivered(id: nil)) == .finish(.delivered(id: nil, isAtOtherEnvironment: true)))
        var other = DeliveryAttempt()
        _ = other.received(.tryOtherEnvironment)
        guard case .finish(.drop(nil, _)) = other.received(.tryOtherEnvironment) else {
            Issue.record("tried three times")
            return
        }
    }

    @Test("A new connection is tried twice, then it waits")
    func connections() {
        var attempt = DeliveryAttempt()
        var options = SendingOptions()
        options.needsNewConnection = true
        for _ in 0..<2 { #expect(attempt.received(.retryOnNewConnection) == .send(options)) }
        #expect(attempt.received(.retryOnNewConnection) == .finish(.retry(after: nil)))
    }

    @Test("Remedies add up: shrunk stays shrunk with a new credential")
    func together() {
        var attempt = DeliveryAttempt()
        _ = attempt.received(.shrink)
        guard case .send(let options) = attempt.received(.refreshCredential) else {
            Issue.record("not sent again")
            return
        }
        #expect(options.extent == .withoutSparkline && options.needsFreshCredential)
        guard case .send(let next) = attempt.received(.shrink) else {
            Issue.record("not sent again")
            return
        }
        #expect(next.extent == .withoutExtras && !next.needsFreshCredential && next.hasRefreshedCredential)
    }

    @Test("One that has taken too long waits instead of being sent again")
    func overdue() {
        for verdict in [PushVerdict.shrink, .refreshCredential, .tryOtherEnvironment, .retryOnNewConnection] {
            var attempt = DeliveryAttempt()
            #expect(attempt.received(verdict, isOverdue: true) == .finish(.retry(after: nil)))
        }
        var delivered = DeliveryAttempt()
        #expect(
            delivered.received(.delivered(id: nil), isOverdue: true)
                == .finish(.delivered(id: nil, isAtOtherEnvironment: false)))
    }
}
