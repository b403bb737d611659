import ArgumentParser
import ChatReactorText
import Logging

/// How a line of the log is written. Whatever a client has chosen is made visible in it: it can neither begin a line nor end a value.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    /// For people: `2026-11-28T19:03:05.120Z notice closed client=3.0 reason="too slow"`.
    case text
    /// For programs: an object of JSON a line.
    case json

    /// An event, with its newline.
    ///
    /// - Parameter time: See `Timestamp`.
    func line(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata = [:], at time: Int64 = Timestamp.now)
        -> [UInt8]
    {
        // In one order, whatever the dictionary's is.
        let fields = metadata.sorted { $0.key < $1.key }
        var line: [UInt8] = []
        switch self {
        case .text:
            line.append(contentsOf: "\(Timestamp.rfc3339(time)) \(level.rawValue) ".utf8)
            line.append(contentsOf: Self.visible(message))
            for (key, value) in fields {
                line.append(contentsOf: " \(key)=".utf8)
                let text = Self.visible("\(value)")
                if !text.isEmpty, text.allSatisfy(Self.needsNoMarks) {
                    line.append(contentsOf: text)
                } else {
                    JSONString.append(text.span, to: &line)
                }
            }
        case .json:
            func add(_ key: String, _ value: String) {
                line.append(UInt8(ascii: line.isEmpty ? "{" : ","))
                JSONString.append(key.utf8.span, to: &line)
                line.append(UInt8(ascii: ":"))
                JSONString.append(Self.visible(value).span, to: &line)
            }
            add("time", Timestamp.rfc3339(time))
            add("level", level.rawValue)
            add("message", message)
            for (key, value) in fields {
                if case .stringConvertible(let number) = value, number is any BinaryInteger {
                    line.append(UInt8(ascii: ","))
                    JSONString.append(key.utf8.span, to: &line)
                    line.append(contentsOf: ":\(number)".utf8)
                } else {
                    add(key, "\(value)")
                }
            }
            line.append(UInt8(ascii: "}"))
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// A sentence for the operator, with its newline.
    func line(sentence: String) -> [UInt8] {
        self == .json ? line(.notice, sentence) : Self.visible("chatd: \(sentence)") + [UInt8(ascii: "\n")]
    }

    private static func visible(_ text: String) -> [UInt8] {
        var visible: [UInt8] = []
        VisibleText.append(text.utf8.span, to: &visible, invalidUTF8: .hexadecimal)
        return visible
    }

    /// Whether a value with this byte in it still ends at the next space.
    private static func needsNoMarks(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=") && byte != UInt8(ascii: "\\")
    }
}
