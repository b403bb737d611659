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

    init(to output: LogOutput, level: Logger.Level) {
        logger = Logger(label: "chatd") { _ in LogOutput.Handler(output) }
        logger.logLevel = level
    }

    /// Tells what the daemon has given up.
    func didEnterSandbox(_ description: String) {
        logger.info("\(description)")
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
        didOpen(room)
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
