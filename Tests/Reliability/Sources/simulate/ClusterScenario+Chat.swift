import SimulatedKernel

/// What must hold of chats that are one, once all is at rest.
extension ClusterScenario {
    /// What is known of a chat at one server.
    private struct Knowledge: Equatable {
        var epoch = 0
        var people: [String] = []
        /// The records of the lobby, by their numbers.
        var records: [Int: String] = [:]
    }

    /// What programs have got under one number is the same for all, without a gap; and all servers know the same.
    func checkChat() throws {
        for member in members {
            let hearing = hearing(member)
            guard let welcome = hearing.welcome else {
                if member.isGone { continue }
                throw Finding("somebody is not let in", member.name)
            }
            if let failure = hearing.failure { throw Finding("records are missing, or come twice", "\(member.name) \(failure)") }
            counts[.chatLive] += UInt64(hearing.records.count)
            for (number, text) in hearing.texts {
                let name = "\(welcome.epoch) \(number)"
                if let other = known.updateValue(text, forKey: name), other != text {
                    throw Finding(
                        "a record is not the same for all",
                        "\(name) is \(other.prefix(40)), and for \(member.name) \(text.prefix(40))")
                }
            }
            if !member.isGone, hearing.sent.count != member.said.count {
                throw Finding(
                    "what somebody says is lost",
                    "\(member.name) has said \(member.said.count) lines, and sent \(hearing.sent.count)")
            }
        }
        try compareServers()
    }

    private func hearing(_ member: Member) -> ChatHearing {
        let sent = unsafe UnsafeBufferPointer(start: world_sent(member.stream), count: world_sent_count(member.stream))
        return ChatHearing(unsafe Array(sent), said: member.said)
    }

    /// Somebody comes to each server, and asks what it knows.
    private func compareServers() throws {
        probes = nodes.compactMap { connect("probe", to: $0, 65_536) }
        try wait(3_000, areEager: true)
        for probe in probes {
            guard let welcome = hearing(probe).welcome else {
                throw Finding("somebody is not let in", "at server \(probe.node.place)")
            }
            probe.unwritten += Array("/who\n/resume lobby \(welcome.epoch) 0\n".utf8)
        }
        try wait(3_000, areEager: true)
        let all = try probes.map { probe in
            var knowledge = Knowledge()
            knowledge.epoch = hearing(probe).welcome?.epoch ?? 0
            for line in text(probe.stream) where line.hasPrefix("{") {
                let it = try JSONValue(line)
                if it["type"]?.string == "who" { knowledge.people = it["names"]?.array?.compactMap(\.string).sorted() ?? [] }
                if it["replayed"] != nil, let number = it["seq"]?.integer { knowledge.records[number] = line }
            }
            counts[.chatReplayed] += UInt64(knowledge.records.count)
            return knowledge
        }
        for (probe, one) in zip(probes, all).dropFirst() where one != all[0] {
            let (place, first) = (probe.node.place, probes[0].node.place)
            if one.epoch != all[0].epoch { throw Finding("servers have other histories", "servers \(first) and \(place)") }
            if one.people != all[0].people {
                throw Finding("servers have other people", "server \(first) \(all[0].people), server \(place) \(one.people)")
            }
            let number =
                Set(one.records.keys).union(all[0].records.keys).filter { one.records[$0] != all[0].records[$0] }.min() ?? 0
            throw Finding(
                "servers have other records",
                "number \(number): server \(first) \(all[0].records[number] ?? "none"), server \(place) \(one.records[number] ?? "none")"
            )
        }
        for probe in probes { world_close(probe.stream) }
        probes = []
        try wait(1_000, areEager: true)
    }
}
