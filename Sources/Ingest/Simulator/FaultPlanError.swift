/// A text that is not a ``FaultPlan``.
public struct FaultPlanError: Error, Equatable, CustomStringConvertible {
    /// Where in the text, from 1.
    public let column: Int
    /// What is wrong there, and what fits instead.
    public let message: String

    /// One line for whoever wrote the text.
    public var description: String { "faults, column \(self.column): \(self.message)" }
}
