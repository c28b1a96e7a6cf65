/// Which way pages are turned.
public enum HistoryDirection: Sendable, Hashable {
    /// From the oldest on.
    case forward
    /// From the newest back.
    case backward
}

/// A part of a history, and where the next part begins.
public struct HistoryPage<Element: Sendable, Cursor: Sendable>: Sendable {
    /// The page's elements in the direction of turning.
    public let elements: [Element]
    /// What to ask for next; `nil` when there is no more.
    ///
    /// It stays valid for ever: what is recorded meanwhile behind it shows up, what is recorded before it does not.
    public let next: Cursor?

    /// Makes a page.
    public init(elements: [Element], next: Cursor?) {
        self.elements = elements
        self.next = next
    }
}
