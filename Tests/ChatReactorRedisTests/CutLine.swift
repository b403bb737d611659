#if Redis
    import Glibc
    import Reactor
    import TestSupport

    /// A line between a server of a cluster and its Redis, of which the test says after which byte it is cut. What the two send
    /// each other passes when the test has it passed, so nothing happens between two turns of their loop that the test does not
    /// know of.
    final class CutLine {
        /// A server makes two connections, in this order.
        enum Role: CaseIterable { case reader, writer }

        enum Direction: CaseIterable { case toRedis, toServer }

        enum Ending: CaseIterable {
            case reset
            /// As by an end that closes.
            case inOrder
        }

        /// What becomes of what the server has sent before the cut: no server can know.
        enum Fate: CaseIterable {
            /// Redis has got it.
            case done
            /// It never gets it: not what has come since the line was last looked at.
            case lost
            /// It gets it once the server is there again.
            case late
        }

        struct Cut: CustomStringConvertible {
            let role: Role
            let direction: Direction
            /// After how many bytes.
            var position: Int
            let ending: Ending
            let fate: Fate

            var description: String {
                "cut after byte \(position) of what the \(role) sends \(direction), ended \(ending), the rest \(fate)"
            }
        }

        /// One connection, which has two halves.
        private final class Channel {
            let role: Role
            /// How many pairs of connections were made before its own.
            let generation: Int
            let near: Peer
            let far: Peer
            var isNearOver = false
            var isFarOver = false
            var passedCounts: [Direction: Int] = [:]
            /// How often something came from the server.
            var passCount = 0
            var fate: Fate?
            /// What comes late.
            var held: [UInt8] = []

            init(_ role: Role, _ generation: Int, near: Peer, far: Peer) {
                (self.role, self.generation, self.near, self.far) = (role, generation, near, far)
                [near, far].forEach(CutLine.sendAtOnce)
            }
        }

        let address: SocketAddress
        private let redis: SocketAddress
        private let listener: Int32
        private var channels: [Channel] = []
        private var acceptedCount = 0
        private var cut: Cut?
        /// From which generation on it is cut.
        private var cutGeneration = 0
        /// Of those that were cut.
        private var fates: [Int: Fate] = [:]
        /// Whether it was cut where it was to be.
        private(set) var isCut = false

        init(to redis: SocketAddress) throws {
            self.redis = redis
            let listener = try makeSocket(for: .loopback(port: 0))
            self.listener = listener
            let isBound = unsafe withSystemAddress(.loopback(port: 0)) { pointer, size in unsafe bind(listener, pointer, size) }
            guard isBound == 0, listen(listener, 16) == 0 else { throw Errno(rawValue: errno) }
            _ = fcntl(listener, F_SETFL, O_NONBLOCK)
            address = .loopback(port: localPort(of: listener))
        }

        deinit { close(listener) }

        /// Has what is sent not wait for an acknowledgement of what was sent before.
        static func sendAtOnce(_ peer: Peer) { peer.descriptor.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

        /// Ends the connections that there are, and has the next ones cut.
        func breakOff(then cut: Cut) {
            (self.cut, isCut) = (cut, false)
            cutGeneration = (acceptedCount + 1) / 2
            for channel in channels where !channel.isNearOver { end(channel, .inOrder, .done) }
        }

        /// How many pairs of connections the server has made.
        var generationCount: Int { acceptedCount / 2 }

        /// Passes on what has come. Returns whether something has happened.
        func pass() throws -> Bool {
            var hasPassed = false
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                hasPassed = true
                let role = acceptedCount % 2 == 0 ? Role.reader : .writer
                let channel = Channel(
                    role, acceptedCount / 2, near: Peer(takingOver: descriptor), far: try Peer(to: redis))
                channel.fate = fates[channel.generation]
                acceptedCount += 1
                channels.append(channel)
                cutIfDue(channel)
            }
            for channel in channels {
                if try passToRedis(channel) { hasPassed = true }
                if try passToServer(channel) { hasPassed = true }
            }
            channels.removeAll { $0.isNearOver && $0.isFarOver }
            return hasPassed
        }

        private func passToRedis(_ channel: Channel) throws -> Bool {
            if channel.isNearOver { return false }
            guard let bytes = channel.near.receiveAvailable() else {
                channel.near.close()
                channel.isNearOver = true
                if channel.fate != .late { channel.far.shutDownSending() }
                return true
            }
            if bytes.isEmpty { return false }
            let part = bytes.prefix(leftCount(of: channel, .toRedis) ?? bytes.count)
            channel.passedCounts[.toRedis, default: 0] += part.count
            channel.passCount += 1
            // What comes with the last byte before the cut has the fate of what was sent before it.
            let isLast = leftCount(of: channel, .toRedis) == 0
            try send(part, over: channel, isLast ? cut?.fate : channel.fate)
            if channel.role == .writer, channel.passCount == 2 { try releaseLate(before: channel.generation) }
            cutIfDue(channel)
            return true
        }

        private func passToServer(_ channel: Channel) throws -> Bool {
            if channel.isFarOver { return false }
            guard let bytes = channel.far.receiveAvailable() else {
                channel.far.close()
                channel.isFarOver = true
                if !channel.isNearOver { end(channel, .inOrder, .lost) }
                return true
            }
            if bytes.isEmpty { return false }
            if channel.isNearOver { return true }
            let part = bytes.prefix(leftCount(of: channel, .toServer) ?? bytes.count)
            channel.passedCounts[.toServer, default: 0] += part.count
            if leftCount(of: channel, .toServer) == 0, let cut, let sent = channel.near.receiveAvailable() {
                try send(sent[...], over: channel, cut.fate)
            }
            // A server that has closed it already is no failure.
            _ = channel.near.sendAvailable(Array(part))
            cutIfDue(channel)
            return true
        }

        private func send(_ bytes: ArraySlice<UInt8>, over channel: Channel, _ fate: Fate?) throws {
            switch fate {
            case nil, .done: try channel.far.send(Array(bytes))
            case .lost: break
            case .late: channel.held += bytes
            }
        }

        /// How many bytes pass before the cut; nil if it is not to be cut there.
        private func leftCount(of channel: Channel, _ direction: Direction) -> Int? {
            guard let cut, cut.role == channel.role, cut.direction == direction, channel.generation >= cutGeneration else {
                return nil
            }
            return max(cut.position - channel.passedCounts[direction, default: 0], 0)
        }

        private func cutIfDue(_ channel: Channel) {
            guard let cut, leftCount(of: channel, cut.direction) == 0 else { return }
            self.cut = nil
            isCut = true
            fates[channel.generation] = cut.fate
            // The server ends the other one, once it knows.
            for other in channels where other.generation == channel.generation { other.fate = cut.fate }
            end(channel, cut.ending, cut.fate)
        }

        private func end(_ channel: Channel, _ ending: Ending, _ fate: Fate) {
            channel.isNearOver = true
            if ending == .reset { channel.near.reset() } else { channel.near.hangUp() }
            switch fate {
            case .done: channel.far.shutDownSending()
            case .lost:
                channel.far.close()
                channel.isFarOver = true
            case .late: break
            }
        }

        /// Has Redis get what the server has sent over connections that it has no more.
        private func releaseLate(before generation: Int) throws {
            for channel in channels where channel.fate == .late && channel.generation < generation {
                channel.fate = nil
                // Redis may have ended it.
                if channel.isFarOver { continue }
                try channel.far.send(channel.held)
                channel.held = []
                if channel.isNearOver { channel.far.shutDownSending() }
            }
        }
    }
#endif
