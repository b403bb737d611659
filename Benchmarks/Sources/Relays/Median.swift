extension Collection<Double> {
    /// The middle of the values, or the mean of the two that are in the middle; nil if there are none.
    public var median: Double? {
        if isEmpty { return nil }
        let sorted = sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
