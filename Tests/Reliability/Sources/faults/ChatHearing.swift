/// What a program has got of a chat's lobby, in which it is from when it comes to when it goes.
struct ChatHearing {
    /// Which history it is, and what it had when the program came; nil before that.
    var welcome: (epoch: Int, number: Int)?
    /// What somebody else has said or done: its number, and the text of what was said.
    var records: [(number: Int, text: String)] = []
    /// The numbers of what it has said itself.
    var sent: [Int] = []
    /// What somebody else has done, but for those that say nothing, and what it has said itself.
    var texts: [Int: String] = [:]

    /// - Parameter said: What the program has said: of that it gets the numbers alone.
    init(_ received: [UInt8], said: [String]) {
        for line in received.split(separator: 10) where line.first == UInt8(ascii: "{") {
            // What does not end with a newline may be cut off.
            guard line.endIndex < received.endIndex, let it = try? JSONValue(String(decoding: line, as: UTF8.self)),
                let number = it["seq"]?.integer
            else { continue }
            switch it["type"]?.string {
            case "welcome": welcome = (it["epoch"]?.integer ?? 0, number)
            case "sent":
                texts[number] = sent.count < said.count ? said[sent.count] : "?"
                sent.append(number)
            case let type:
                records.append((number, type == "message" ? it["text"]?.string ?? "" : ""))
                texts[number] = records.last?.text
            }
        }
    }

    /// What is wrong with the numbers. Those of what it has said itself come before all else in a turn.
    var failure: String? {
        guard let welcome else { return nil }
        for (one, next) in zip(records, records.dropFirst()) where one.number >= next.number {
            return "got number \(next.number) after \(one.number)"
        }
        let last = records.last?.number ?? welcome.number
        let missing = (welcome.number..<last).first { $0 > welcome.number && texts[$0] == nil }
        return missing.map { "lacks number \($0)" } ?? (sent.count > Set(sent).count ? "has sent a number twice" : nil)
    }
}
