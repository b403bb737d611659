/// What a server tells a program of a room that has come to ask: by `/who`, and by `/resume` from the beginning.
struct ChatKnowledge {
    let server: String
    var epoch = 0
    var topic: String?
    var people: [String] = []
    /// The records by their numbers.
    var records: [Int: String] = [:]

    /// - Parameter lines: What the program was sent.
    init(of room: String, at server: String, in lines: [String]) throws {
        self.server = server
        for line in lines where line.hasPrefix("{") {
            let it = try JSONValue(line)
            guard it["room"]?.string == room else { continue }
            switch it["type"]?.string {
            case "welcome": (epoch, topic) = (it["epoch"]?.integer ?? 0, it["text"]?.string)
            case "who": people = it["names"]?.array?.compactMap(\.string).sorted() ?? []
            default: if it["replayed"] != nil, let number = it["seq"]?.integer { records[number] = line }
            }
        }
    }

    /// Fails unless all know the same.
    ///
    /// - Parameters:
    ///   - limit: Records with a higher number do not matter.
    ///   - areRecordsFew: Whether a room keeps all of its records. Of more, one server may keep a few that another one has
    ///     overwritten.
    static func compare(_ all: [ChatKnowledge], upTo limit: Int = .max, areRecordsFew: Bool = true) throws(Finding) {
        let start = areRecordsFew ? 0 : all.compactMap { $0.records.keys.min() }.max() ?? 0
        for one in all.dropFirst() {
            let first = all[0]
            if one.epoch != first.epoch { throw Finding("servers have other histories", "\(first.server) and \(one.server)") }
            if one.people != first.people {
                throw Finding("servers have other people", "\(first.server) \(first.people), \(one.server) \(one.people)")
            }
            if one.topic != first.topic {
                throw Finding(
                    "servers have other topics", "\(first.server) \(first.topic ?? "none"), \(one.server) \(one.topic ?? "none")")
            }
            let numbers = Set(one.records.keys).union(first.records.keys).filter { (start...max(start, limit)).contains($0) }
            guard let number = numbers.filter({ one.records[$0] != first.records[$0] }).min() else { continue }
            let (here, there) = (first.records[number] ?? "none", one.records[number] ?? "none")
            throw Finding(
                "servers have other records", "number \(number): \(first.server) \(here), \(one.server) \(there)")
        }
    }
}
