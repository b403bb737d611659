import ChatReactor
import Logging

/// Logs what happens at the server. Messages are never logged.
final class ServerLog: ChatServerObserver {
    private var logger: Logger
    var level: Logger.Level {
        get { logger.logLevel }
        set { logger.logLevel = newValue }
    }
    private var lastRefusal: ContinuousClock.Instant?
    private var lastUnopenedRoom: ContinuousClock.Instant?
    private var lastBadProxyHeader: ContinuousClock.Instant?

    let wantsEvents = false
    /// Whether it tells of rooms, which are opened on all loops.
    private let logsRooms: Bool

    /// - Parameter loop: The number of the server's loop, if there are several: clients of different loops may have the same name.
    init(to output: any LogSink, level: Logger.Level, loop: Int? = nil) {
        logger = Logger(label: "chatd") { _ in LogOutput.Handler(output) }
        logger.logLevel = level
        logsRooms = loop ?? 0 == 0
        if let loop { logger[metadataKey: "loop"] = "\(loop)" }
    }

    /// Tells what the daemon has given up.
    func didEnterSandbox(_ description: String) {
        logger.info("\(description)")
    }

    /// Tells that the stream of a cluster is reached.
    func didReachStream(_ place: String) {
        logger.notice("the stream is reached", metadata: ["stream": "\(place)"])
    }

    /// Tells what has become of a cluster.
    func tellOfStream(_ place: String, _ description: String, _ details: [String: String] = [:]) {
        let metadata = details.merging(["stream": place]) { one, _ in one }
        logger.notice("\(description)", metadata: metadata.mapValues { "\($0)" })
    }

    /// Warns about the stream of a cluster, or about what it has lost.
    func warnOfStream(_ place: String, _ description: String, _ details: [String: String] = [:]) {
        let metadata = details.merging(["stream": place]) { one, _ in one }
        logger.warning("\(description)", metadata: metadata.mapValues { "\($0)" })
    }

    func server(_ server: ChatServer, didAccept client: ChatServer.Client) {
        logger.debug("accepted", metadata: ["client": "\(client.id)", "clients": .stringConvertible(server.clientCount)])
    }

    func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
        let metadata: Logger.Metadata = [
            "client": "\(client.id)", "reason": "\(reason)", "clients": .stringConvertible(server.clientCount),
        ]
        // What an operator may want to change something about.
        let isNotable = reason == .tooSlow || reason == .memoryLimit
        logger.log(level: isNotable ? .notice : .debug, "closed", metadata: metadata)
    }

    func server(_ server: ChatServer, didOpen room: ChatServer.Room) {
        if logsRooms { didOpen(room) }
    }

    /// Warns if the room's log has lost something.
    func didOpen(_ room: ChatServer.Room) {
        logger.debug("opened", metadata: ["room": "\(room.name)"])
        if room.lostRecordCount == 0 { return }
        logger.warning(
            "records were lost", metadata: ["room": "\(room.name)", "count": .stringConvertible(room.lostRecordCount)])
    }

    func server(_ server: ChatServer, cannotOpenRoom name: ChatName, error: RoomLogError) {
        // Anybody may ask for the room again and again.
        guard Self.isDue(&lastUnopenedRoom) else { return }
        logger.warning("cannot open", metadata: ["room": "\(name)", "error": "\(error)"])
    }

    func server(_ server: ChatServer, cannotKeepBans error: BanListError) {
        logger.warning("cannot keep what another server has banned", metadata: ["error": "\(error)"])
    }

    func server(_ server: ChatServer, didRefuse caller: SocketAddress, because refusal: AccessRefusal) {
        let metadata: Logger.Metadata = ["address": "\(caller)", "reason": "\(refusal)"]
        // Nobody gets in through a proxy that is set up in another way, and the operator has to learn why.
        let isWarning = refusal == .badProxyHeader && Self.isDue(&lastBadProxyHeader)
        logger.log(level: isWarning ? .warning : .debug, "refused", metadata: metadata)
    }

    func server(_ server: ChatServer, handshakeDidFailFrom caller: SocketAddress?, reason: CloseReason) {
        // Anybody may do that, and those who scan ports do it all the time.
        logger.debug("handshake failed", metadata: ["address": "\(caller.map { "\($0)" } ?? "-")", "reason": "\(reason)"])
    }

    func server(_ server: ChatServer, didLogIn person: Person) {
        logger.info("logged in", metadata: metadata(of: person, as: person.name))
    }

    func server(_ server: ChatServer, didRefuseLoginOf person: Person, as name: ChatName, because refusal: LoginRefusal) {
        // Who types the password in place of the name must not find it here.
        let isKnown = server.chat?.authenticator?.isKnown(name) == true
        var metadata = metadata(of: person, as: isKnown ? name : nil)
        metadata["reason"] = "\(refusal.rawValue)"
        // Whatever keeps out those who guess reads these. There are no more than passwords that are judged; of the others, there may be any number.
        logger.log(level: refusal == .wrong ? .notice : .debug, "login refused", metadata: metadata)
    }

    private func metadata(of person: Person, as name: ChatName?) -> Logger.Metadata {
        let address = person.address.flatMap { AddressBlock($0) }?.description ?? "unix"
        return ["client": "\(person.id)", "name": "\(name?.text ?? "unknown")", "address": "\(address)"]
    }

    /// Tells that somebody who has logged in has given an operator's command.
    func didGiveCommand(_ line: String, _ person: Person) {
        logger.notice("operator's command", metadata: ["client": "\(person.id)", "name": "\(person.name)", "command": "\(line)"])
    }

    func server(_ server: ChatServer, cannotAcceptAt address: SocketAddress, error: Errno) {
        // The server tries again ten times a second.
        guard Self.isDue(&lastRefusal) else { return }
        logger.warning("cannot accept", metadata: ["address": "\(address)", "error": "\(error)"])
    }

    /// Whether the last warning of a kind was ten seconds ago: more of them are no use. If so, there is one now.
    private static func isDue(_ last: inout ContinuousClock.Instant?) -> Bool {
        if let last, last.duration(to: .now) < .seconds(10) { return false }
        last = .now
        return true
    }
}
