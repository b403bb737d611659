/// What came of an operator's command.
public struct OperatorAnswer: Sendable {
    /// How the lines are written.
    public enum Format: Sendable {
        /// For people.
        case text
        /// For programs: a JSON object a line. Docs/operations.md has all of them.
        case json
    }

    /// The lines, without their newlines. If the command was not done, the last one says why not.
    public private(set) var lines: [String] = []
    /// Whether the command was done.
    public private(set) var isDone = true
    private let format: Format

    /// One without lines, of what was done.
    public init(_ format: Format) {
        self.format = format
    }

    /// Adds a line for people, or an object of a type, which `fill` fills, for programs.
    mutating func add(_ text: @autoclosure () -> String, type: String, _ fill: (inout JSONObject) -> Void) {
        switch format {
        case .text: lines.append(text())
        case .json:
            var object = JSONObject()
            object.add("type", type)
            fill(&object)
            lines.append(String(decoding: object.line().dropLast(), as: UTF8.self))
        }
    }

    /// Adds a sentence.
    mutating func add(_ sentence: String) {
        add(sentence, type: "notice") { $0.add("text", sentence) }
    }

    /// Says to people that there is nothing to list. To programs, no object says so.
    mutating func addNothing(_ sentence: String) {
        if format == .text { lines.append(sentence) }
    }

    mutating func fail(_ sentence: String) {
        add(sentence, type: "error") { $0.add("text", sentence) }
        isDone = false
    }
}
