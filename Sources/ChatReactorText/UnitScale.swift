/// The units in which people write whole numbers of one kind: `64k`, `5m`.
public struct UnitScale: Sendable {
    public typealias Unit = (name: String, size: Int64)

    /// The largest first. The last has size 1.
    public let units: [Unit]

    public init(_ units: [Unit]) {
        self.units = units
    }

    /// What a number and the name of a unit behind it mean; nil if the text is not that, or if it means more than fits.
    public func parse(_ text: String) -> Int64? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let name = String(text[digits.endIndex...])
        guard let unit = units.first(where: { $0.name == name }), let number = Int64(Substring(digits)) else { return nil }
        let (value, overflows) = number.multipliedReportingOverflow(by: unit.size)
        return overflows ? nil : value
    }

    /// The text from which `parse` reads a number: in the largest unit that has no rest; zero in the smallest.
    public func format(_ value: Int64) -> String {
        for (name, size) in units where value != 0 && value.isMultiple(of: size) { return "\(value / size)\(name)" }
        return "\(value)\(units.last?.name ?? "")"
    }
}
