/// A line of block characters that shows how numbers move.
enum Sparkline {
    private static let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// Draws `values` in at most `width` characters; of those that share one the last is drawn.
    static func text(_ values: [Double], width: Int) -> String {
        guard let low = values.min(), let high = values.max(), width > 0 else { return "" }
        let count = min(width, values.count)
        return String(
            (0..<count).map { column in
                let value = values[(column + 1) * values.count / count - 1]
                guard high > low else { return self.levels[3] }
                return self.levels[min(7, Int((value - low) / (high - low) * 8))]
            })
    }
}
