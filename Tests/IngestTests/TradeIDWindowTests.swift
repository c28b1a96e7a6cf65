import Testing

@testable import Ingest

@Suite("The window of known trade ids")
struct TradeIDWindowTests {
    @Test("At least the newest ids are known, at most twice as many, whatever they look like", arguments: 0..<4)
    func generations(kind: Int) {
        let spell: (Int) -> String = { number in
            switch kind {
            case 0: String(number)
            case 1: "t\(number)"
            case 2: "a-rather-long-trade-id-\(number)"
            default: "00\(number)"
            }
        }
        var window = TradeIDWindow()
        let count = TradeIDWindow.capacity * 5
        for number in 0..<count {
            let isNew = window.insert(spell(number))
            let isNewAgain = window.insert(spell(number))
            let isOlderNew = window.insert(spell(max(0, number - TradeIDWindow.capacity + 1)))
            #expect([isNew, isNewAgain, isOlderNew] == [true, false, false])
        }
        #expect(window.contains(spell(count - 1)))
        #expect(!window.contains(spell(count - 1 - 2 * TradeIDWindow.capacity)))
    }

    @Test("Ids that differ in zeros, sign or length are different ids")
    func spellings() {
        var window = TradeIDWindow()
        let ids = [
            "1", "01", "001", "-1", "1.0", " 1", "", "0", "00", "999999999999999999", "9999999999999999999", "é",
        ]
        for expected in [true, false] {
            for id in ids {
                let isNew = window.insert(id)
                #expect(isNew == expected)
            }
        }
    }
}
