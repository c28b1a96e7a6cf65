/// The newest trade ids of one symbol at one venue, to drop what a feed sends twice.
///
/// Holds the last `capacity` ids; a duplicate that comes later than that is caught by the unique index of the `trades` table.
struct TradeIDWindow {
    static let capacity = 2048
    private var ids: Set<String> = []
    private var order: [String] = []
    private var oldest = 0

    /// Remembers `id`.
    ///
    /// - Returns: `false` when it is known already.
    mutating func insert(_ id: String) -> Bool {
        guard self.ids.insert(id).inserted else { return false }
        if self.order.count < Self.capacity {
            self.order.append(id)
        } else {
            self.ids.remove(self.order[self.oldest])
            self.order[self.oldest] = id
            self.oldest = (self.oldest + 1) % Self.capacity
        }
        return true
    }
}
