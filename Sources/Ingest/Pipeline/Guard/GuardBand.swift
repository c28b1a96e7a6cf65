import Market

/// How far a price may be from the last accepted one before it needs a witness.
///
/// The band widens by a fifth of its base for each full minute of silence, up to five times: after a pause a price may have moved.
public struct GuardBand: Sendable, Hashable {
    private static let minuteNanoseconds: Int64 = 60_000_000_000
    private static let widestTimes = 5
    private static let minutesPerBase = 5

    /// Basis points to each side of the reference right after a trade; zero switches the band off.
    public let basisPoints: Int

    /// A band of `percent` to each side, 0…100; 0 switches it off.
    public init(percent: Int) { self.basisPoints = min(max(percent, 0), 100) * 100 }

    /// The default for crypto and FX: 10 %.
    public static let crypto = GuardBand(percent: 10)
    /// The default for stocks: 5 %.
    public static let stock = GuardBand(percent: 5)

    /// Whether the band judges prices at all.
    public var isOn: Bool { self.basisPoints > 0 }

    /// Whether `price` lies in the band around `reference`, `silence` nanoseconds after it.
    ///
    /// A reference that is not positive judges nothing: everything is inside.
    func contains(_ price: Decimal64, around reference: Decimal64, silence: Int64 = 0) -> Bool {
        guard self.isOn, !reference.isNegative, !reference.isZero else { return true }
        let minutes = Int(clamping: max(0, silence) / Self.minuteNanoseconds)
        let widened = self.basisPoints + self.basisPoints * min(minutes, 1000) / Self.minutesPerBase
        let width = min(widened, self.basisPoints * Self.widestTimes)
        do {
            let ratio = try price.subtracting(reference).divided(by: reference, decimals: 4)
            return ratio.magnitude <= (try Decimal64(mantissa: Int64(width), exponent: -4))
        } catch {
            return false  // So far apart that the difference has no 18 digits.
        }
    }

    /// Bounds between which any two prices lie in each other's narrowest band; `nil` when they have no exact value.
    ///
    /// With the band b, prices within a third of b of the anchor are at most 2b/3 of it apart, which is less than
    /// b(1 − b/3), the band around the lowest of them, for any b up to 1.
    func quickBounds(around anchor: Decimal64) -> ClosedRange<Decimal64>? {
        guard self.isOn, !anchor.isNegative, !anchor.isZero else { return nil }
        do {
            let reach = try anchor.multiplied(by: Decimal64(mantissa: Int64(self.basisPoints), exponent: 0))
                .divided(by: Decimal64(mantissa: 30_000, exponent: 0), decimals: max(0, -Int(anchor.exponent)) + 4)
            return try anchor.subtracting(reach)...anchor.adding(reach)
        } catch {
            return nil  // Too many digits: each price is then compared the long way.
        }
    }
}
