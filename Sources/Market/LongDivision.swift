/// The digits of a quotient, one after the other, as on paper.
///
/// Works on words while they hold the numbers, and on digits where they do not.
struct LongDivision {
    /// The power of ten of the first digit.
    let exponent: Int
    /// What is left, times ten where it has been moved on already.
    private enum Rest {
        case short(UInt128, divisor: UInt128)
        case long([UInt8], divisor: [UInt8])
    }
    private var rest: Rest

    /// Divides whole numbers given by their digits, which begin with none that is zero.
    init(_ dividend: [UInt8], by divisor: [UInt8]) {
        // At one length the first digit is before the point, or the quotient is below one.
        var exponent = dividend.count - divisor.count
        let length = max(dividend.count, divisor.count)
        let left = dividend + [UInt8](repeating: 0, count: length - dividend.count)
        let right = divisor + [UInt8](repeating: 0, count: length - divisor.count)
        let isSmaller = left.lexicographicallyPrecedes(right)
        if isSmaller { exponent -= 1 }
        self.exponent = exponent
        // A rest is below the divisor, and times ten it must still fit.
        if length <= 36 {
            func number(_ digits: [UInt8]) -> UInt128 { digits.reduce(0) { $0 * 10 + UInt128($1) } }
            let dividend = number(left)
            self.rest = .short(isSmaller ? dividend * 10 : dividend, divisor: number(right))
        } else {
            self.rest = .long(isSmaller ? left + [0] : [0] + left, divisor: [0] + right)
        }
    }

    /// Whether anything but zeros follows.
    var hasRest: Bool {
        switch self.rest {
        case .short(let value, _): value != 0
        case .long(let value, _): value.contains { $0 != 0 }
        }
    }

    /// The next digit.
    mutating func next() -> UInt8 {
        switch self.rest {
        case .short(let value, let divisor):
            let (digit, rest) = value.quotientAndRemainder(dividingBy: divisor)
            self.rest = .short(rest * 10, divisor: divisor)
            return UInt8(digit)
        case .long(var value, let divisor):
            var digit: UInt8 = 0
            while !value.lexicographicallyPrecedes(divisor) {
                Self.subtract(divisor, from: &value)
                digit += 1
            }
            // Below the divisor, whose first digit is zero: so is the first one here.
            value.removeFirst()
            value.append(0)
            self.rest = .long(value, divisor: divisor)
            return digit
        }
    }

    private static func subtract(_ divisor: [UInt8], from value: inout [UInt8]) {
        var borrow: UInt8 = 0
        for index in value.indices.reversed() {
            let take = divisor[index] + borrow
            borrow = value[index] < take ? 1 : 0
            value[index] = value[index] + 10 * borrow - take
        }
    }
}
