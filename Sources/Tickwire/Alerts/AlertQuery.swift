import Channels
import HTTPTypes
import Hummingbird

/// The query of an alert request; strict like the bodies.
struct AlertQuery {
    private var values: [String: String] = [:]

    /// Reads a query.
    ///
    /// - Throws: ``AlertAPIError`` with status 400 for a parameter that is not in `names` or is there twice.
    init(_ request: Request, names: [String]) throws(AlertAPIError) {
        for (name, value) in request.uri.queryParameters {
            let name = String(name)
            guard names.contains(name) else {
                throw AlertAPIError(
                    status: .badRequest,
                    reason: "Unknown parameter '\(name.prefix(60))'. Parameters are \(names.joined(separator: ", ")).",
                    member: String(name.prefix(60)))
            }
            guard self.values[name] == nil else {
                throw AlertAPIError(status: .badRequest, reason: "Parameter '\(name)' is given twice", member: name)
            }
            self.values[name] = Query.decoded(value)
        }
    }

    func text(_ name: String) -> String? { self.values[name] }

    func number(_ name: String, in range: ClosedRange<Int>) throws(AlertAPIError) -> Int? {
        guard let text = self.values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let most = range.upperBound == .max ? "" : " to \(range.upperBound)"
            throw AlertAPIError(
                status: .badRequest,
                reason:
                    "Parameter '\(name)' must be a whole number from \(range.lowerBound)\(most), not '\(text.prefix(40))'",
                member: name)
        }
        return number
    }
}
