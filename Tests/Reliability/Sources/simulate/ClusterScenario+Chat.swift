import SimulatedKernel

/// What must hold of chats that are one, once all is at rest.
extension ClusterScenario {
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
            let knowledge = try ChatKnowledge(of: "lobby", at: "server \(probe.node.place)", in: text(probe.stream))
            counts[.chatReplayed] += UInt64(knowledge.records.count)
            return knowledge
        }
        try ChatKnowledge.compare(all)
        for probe in probes { world_close(probe.stream) }
        probes = []
        try wait(1_000, areEager: true)
    }
}
