/// How large a terminal is, in cells.
public struct TerminalSize: Hashable, Sendable {
    public var columns: Int
    public var rows: Int

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// What a terminal says of itself; where it says nothing, what the environment says; where that does not, 80 by 24. A serial line says
    /// nothing.
    init(reported: TerminalSize, columns: String?, lines: String?) {
        func known(_ reported: Int, _ variable: String?, _ usual: Int) -> Int {
            if reported > 0 { return reported }
            return variable.flatMap(Int.init).flatMap { (1...Int(UInt16.max)).contains($0) ? $0 : nil } ?? usual
        }
        self.init(columns: known(reported.columns, columns, 80), rows: known(reported.rows, lines, 24))
    }
}
