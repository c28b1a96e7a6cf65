import Channels
import Market
import Testing

@testable import Tickwire

@Suite("The directory of symbols")
struct SymbolDirectoryTests {
    @Test(
        "A misspelt symbol is refused with the one that may have been meant, among thousands too",
        arguments: ["BTC-UDS", "BTCUSD", "BTC-USDD"], [0, 5000])
    func nearest(name: String, others: Int) throws {
        let directory = SymbolDirectory()
        let venue = try Venue("kraken")
        directory.insert([(try Symbol("BTC-USD"), venue), (try Symbol("BTC-USD"), try Venue("coinbase"))])
        directory.insert(try (0..<others).map { (try Symbol("Z\($0)-USD"), venue) })
        let problem = directory.problem(with: try ChannelName("ticker-\(name)"))
        #expect(problem?.contains("unknown symbol '\(name)'. Did you mean BTC-USD?") == true, "\(problem ?? "")")
        #expect(directory.problem(with: try ChannelName("ticker-BTC-USD@coinbase")) == nil)
    }
}
