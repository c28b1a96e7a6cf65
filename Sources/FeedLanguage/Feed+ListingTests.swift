import Market

extension Feed {
    /// Runs the tests of `discover`: each sample must give the listed instruments, no more and in that order.
    func runListingTests() -> [FeedTestFailure] {
        guard let settings = self.document.discovery else { return [] }
        return settings.tests.compactMap { test in
            guard let listings = settings.plan.listings(in: test.body) else {
                return Self.failure(test, "the frame is not JSON")
            }
            if listings.count != test.listings.count {
                let expected = test.listings.count == 1 ? "1 instrument" : "\(test.listings.count) instruments"
                return Self.failure(
                    test,
                    "expected \(expected), but the list gave \(listings.count)"
                        + Self.missing(test, listings, settings.plan) + Self.surplus(test, listings))
            }
            for (expected, listing) in zip(test.listings, listings) where expected != listing {
                return Self.failure(test, "expected \(Self.text(expected)), but the list gave \(Self.text(listing))")
            }
            return nil
        }
    }

    /// The expected instruments that the list did not give, and whether `when` is the reason.
    private static func missing(_ test: DiscoverySettings.Test, _ listings: [Listing], _ plan: DiscoveryPlan) -> String
    {
        let given = Set(listings.map(\.native))
        let missing = test.listings.map(\.native).filter { !given.contains($0) }
        guard !missing.isEmpty else { return "" }
        var open = plan
        open.conditions = []
        let listed = Set((open.listings(in: test.body) ?? []).map(\.native))
        let names = missing.map { listed.contains($0) ? "\($0) ('when' leaves it out)" : $0 }
        return "; missing: \(names.joined(separator: ", "))"
    }

    /// The instruments that the list gave and the test does not expect.
    private static func surplus(_ test: DiscoverySettings.Test, _ listings: [Listing]) -> String {
        let expected = Set(test.listings.map(\.native))
        let names = listings.filter { !expected.contains($0.native) }.map(Self.text)
        return names.isEmpty ? "" : "; not expected: \(names.joined(separator: ", "))"
    }

    private static func failure(_ test: DiscoverySettings.Test, _ message: String) -> FeedTestFailure {
        FeedTestFailure(line: test.mark.line, column: test.mark.column, message: "test failed: \(message).")
    }

    private static func text(_ listing: Listing) -> String {
        "\(listing.native) as \(listing.symbol.map(\.name) ?? "null")"
    }
}
