import Market

extension Feed {
    /// Runs the tests of `discover`: each sample must give the listed instruments, no more and in that order.
    func runListingTests() -> [FeedTestFailure] {
        guard let settings = self.document.discovery else { return [] }
        return settings.tests.compactMap { test in
            guard let listings = settings.plan.listings(in: test.body) else {
                return Self.failure(test, "the frame is not JSON")
            }
            for (expected, listing) in zip(test.listings, listings) where expected != listing {
                return Self.failure(test, "expected \(Self.text(expected)), but the list gave \(Self.text(listing))")
            }
            if listings.count != test.listings.count {
                return Self.failure(
                    test, "expected \(test.listings.count) instruments, but the list gave \(listings.count)")
            }
            return nil
        }
    }

    private static func failure(_ test: DiscoverySettings.Test, _ message: String) -> FeedTestFailure {
        FeedTestFailure(line: test.mark.line, column: test.mark.column, message: "test failed: \(message).")
    }

    private static func text(_ listing: Listing) -> String {
        "\(listing.native) as \(listing.symbol.map(\.name) ?? "null")"
    }
}
