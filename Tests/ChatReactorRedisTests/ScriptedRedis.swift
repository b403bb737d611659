#if Redis
    import Reactor

    /// A Redis on the loop of a test, which does what the test says: also what no Redis would, at the moment at which it does harm. By itself it has
    /// one stream, which it keeps in memory, and answers what a server of a cluster asks.
    ///
    /// It knows nothing of what is internal to the servers, so that the simulation can have it, too.
    final class ScriptedRedis: ConnectionHandler {
        typealias Command = [[UInt8]]

        /// The name of an entry.
        struct Name: Comparable, CustomStringConvertible {
            var time: UInt64
            var number: Int

            static let zero = Name(time: 0, number: 0)

            init(time: UInt64, number: Int) { (self.time, self.number) = (time, number) }

            /// As a server writes it.
            init(_ text: [UInt8]) {
                let parts = String(decoding: text, as: UTF8.self).split(separator: "-")
                self.init(time: parts.first.flatMap { UInt64($0) } ?? 0, number: parts.last.flatMap { Int($0) } ?? 0)
            }

            var description: String { "\(time)-\(number)" }

            static func < (one: Name, other: Name) -> Bool { (one.time, one.number) < (other.time, other.number) }
        }

        let address: SocketAddress
        private let loop: EventLoop
        /// Answers in place of this: what is returned is sent as it is. Nil has the command answered as a Redis does.
        var answer: ((_ command: Command, _ connection: Connection) -> [UInt8]?)?
        /// What is in the stream: the number of an entry's name, and its value.
        private(set) var entries: [(number: Int, value: [UInt8])] = []
        private var lastNumber = 0
        /// The first part of the names of entries, in milliseconds; they have it in common as long as it is not set anew.
        var time: UInt64 = 1
        private var times: [UInt64] = [1]
        private var unread: [Connection.ID: [UInt8]] = [:]
        /// Those that wait in XREAD, and after which entry.
        private var readers: [(connection: Connection, name: Name)] = []
        /// Told of each entry that is appended.
        var didAppend: ((_ number: Int, _ value: [UInt8]) -> Void)?
        /// Told of what somebody who waits in XREAD is given.
        var didGive: ((_ entries: [(name: Name, value: [UInt8])], _ connection: Connection) -> Void)?
        private(set) var connections: [Connection] = []
        /// Whether it closes whoever connects.
        var isAway = false
        /// The name of the last entry.
        var lastName: Name { Name(time: times[lastNumber], number: lastNumber) }

        /// - Parameter byteRate: How fast it reads.
        init(on loop: EventLoop, byteRate: RateLimit? = nil) throws {
            self.loop = loop
            var options = Connection.Options()
            options.framing = .chunks
            options.maximumPendingOutput = 1 << 26
            options.byteRate = byteRate
            let handler = Handler()
            address = try loop.listen(on: .loopback(port: 0), options: options, handler: handler).address
            handler.redis = self
        }

        /// What the loop keeps, so that it does not keep the Redis.
        private final class Handler: ConnectionHandler {
            weak var redis: ScriptedRedis?

            func connectionDidOpen(_ connection: Connection) { redis?.connectionDidOpen(connection) }

            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
                redis?.connection(connection, didReceive: messages)
            }

            func connectionDidClose(_ connection: Connection, reason: CloseReason) {
                redis?.connectionDidClose(connection, reason: reason)
            }
        }

        func connectionDidOpen(_ connection: Connection) {
            if isAway { return connection.close() }
            connections.append(connection)
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            messages.withWireBytes { bytes in unread[connection.id, default: []] += bytes.indices.map { bytes[$0] } }
            while let command = takeCommand(of: connection) {
                if let bytes = answer?(command, connection) ?? execute(command, for: connection) { connection.send(bytes.span) }
            }
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            connections.removeAll { $0 === connection }
            readers.removeAll { $0.connection === connection }
            unread[connection.id] = nil
        }

        private func takeCommand(of connection: Connection) -> Command? {
            guard let bytes = unread[connection.id] else { return nil }
            var position = 0
            func number(after mark: Character) -> Int? {
                guard let end = bytes[position...].firstIndex(of: 13), end + 1 < bytes.count, bytes[position] == mark.asciiValue
                else { return nil }
                defer { position = end + 2 }
                return Int(String(decoding: bytes[(position + 1)..<end], as: UTF8.self))
            }
            guard let count = number(after: "*") else { return nil }
            var command: Command = []
            for _ in 0..<count {
                guard let length = number(after: "$"), bytes.count >= position + length + 2 else { return nil }
                command.append(Array(bytes[position..<position + length]))
                position += length + 2
            }
            unread[connection.id] = Array(bytes[position...])
            return command
        }

        private func execute(_ command: Command, for connection: Connection) -> [UInt8]? {
            switch Self.name(of: command) {
            case "XINFO":
                if lastNumber == 0 { return Array("-ERR no such key\r\n".utf8) }
                return Self.array([Self.string("last-generated-id"), Self.string("\(lastName)")])
            case "XADD":
                let name = append(command[command.count - 1])
                return Self.string(name)
            case "XREAD":
                readers.append((connection, Name(command[command.count - 1])))
                serveReaders()
                loop.schedule(after: .seconds(1)) { [weak self, weak connection] in
                    guard let self, let index = readers.firstIndex(where: { $0.connection === connection }) else { return }
                    readers.remove(at: index)
                    connection?.send("*-1\r\n".utf8.span)
                }
                return nil
            case "XREVRANGE":
                // The last one, or one by its name.
                let name = String(decoding: command[2], as: UTF8.self)
                let found =
                    name == "+" ? entries.last : entries.first { "\(Name(time: times[$0.number], number: $0.number))" == name }
                return Self.array(found.map { [Self.entry($0.number, $0.value, at: times[$0.number])] } ?? [])
            case "PING": return Array("+PONG\r\n".utf8)
            default: return Array("-ERR unknown command\r\n".utf8)
            }
        }

        /// Appends an entry, as a server does with XADD, and returns its name.
        @discardableResult
        func append(_ value: [UInt8]) -> String {
            lastNumber += 1
            entries.append((lastNumber, value))
            times.append(time)
            let name = lastName
            didAppend?(lastNumber, value)
            serveReaders()
            return "\(name)"
        }

        /// Forgets the oldest entries.
        func trim(_ count: Int) { entries.removeFirst(min(count, entries.count)) }

        /// Forgets the newest entries, as a Redis does that has not kept all that it has answered. Those that come are not called as these were.
        func loseEnd(_ count: Int) {
            for _ in 0..<min(count, lastNumber) {
                time = max(time, times.removeLast() + 1)
                if entries.last?.number == lastNumber { entries.removeLast() }
                lastNumber -= 1
            }
        }

        private func serveReaders() {
            for reader in readers {
                let new = entries.filter { Name(time: times[$0.number], number: $0.number) > reader.name }.prefix(32)
                if new.isEmpty { continue }
                readers.removeAll { $0.connection === reader.connection }
                didGive?(new.map { (Name(time: times[$0.number], number: $0.number), $0.value) }, reader.connection)
                let list = Self.array(new.map { Self.entry($0.number, $0.value, at: times[$0.number]) })
                reader.connection.send(Self.array([Self.array([Self.string("chatd:test"), list])]).span)
            }
        }

        // MARK: - How a Redis writes

        static func name(of command: Command) -> String { String(decoding: command.first ?? [], as: UTF8.self) }

        static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

        static func string(_ bytes: [UInt8]) -> [UInt8] { Array("$\(bytes.count)\r\n".utf8) + bytes + [13, 10] }

        static func array(_ elements: [[UInt8]]) -> [UInt8] {
            elements.reduce(into: Array("*\(elements.count)\r\n".utf8)) { $0 += $1 }
        }

        static func entry(_ number: Int, _ value: [UInt8], at time: UInt64 = 1) -> [UInt8] {
            array([string("\(time)-\(number)"), array([string("chatd1"), string(value)])])
        }
    }
#endif
