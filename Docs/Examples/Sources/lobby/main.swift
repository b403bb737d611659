// A lobby where players guess a number between 1 and 100, by turns. The game is an actor that lives on the loop's thread, each player a
// task that awaits lines.
//
//     swift run lobby                     # or: swift run lobby unix:/tmp/lobby.sock
//     nc localhost 3001                   # twice, in two terminals: give a name, and then guess
import Reactor

/// Since the players' connections are on the same thread, it tells them things at once, and never has to wait for one of them: nothing
/// happens between two lines of its methods.
actor Lobby {
    private let remote: EventLoop.Remote
    private var players: [(name: String, connection: AsyncConnection)] = []
    private var turn = 0
    private var number = Int.random(in: 1...100)

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

    init(on remote: EventLoop.Remote) {
        self.remote = remote
    }

    func join(_ connection: AsyncConnection, as name: String) {
        players.append((name, connection))
        announce("\(name) joins")
        announceTurn()
    }

    func leave(_ connection: AsyncConnection) {
        guard let seat = players.firstIndex(where: { $0.connection === connection }) else { return }
        announce("\(players[seat].name) leaves")
        players.remove(at: seat)
        if players.isEmpty { return }
        if seat < turn { turn -= 1 }
        turn %= players.count
        announceTurn()
    }

    func guess(_ text: String, by connection: AsyncConnection) {
        let player = players[turn]
        guard player.connection === connection else { return tell(connection, "it is not your turn") }
        guard let guess = Int(text) else { return tell(connection, "that is not a number") }
        if guess == number {
            announce("\(player.name) says \(guess), and wins")
            number = Int.random(in: 1...100)
        } else {
            announce("\(player.name) says \(guess), which is too \(guess < number ? "low" : "high")")
        }
        turn = (turn + 1) % players.count
        announceTurn()
    }

    private func announceTurn() {
        announce("it is \(players[turn].name)'s turn")
    }

    private func announce(_ text: String) {
        for player in players { tell(player.connection, text) }
    }

    private func tell(_ connection: AsyncConnection, _ text: String) {
        _ = connection.assumeIsolated { $0.connection.send(text + "\n") }
    }
}

let address = try Endpoint(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0]
let loop = try BackgroundLoop()
let lobby = Lobby(on: loop.remote)
try await loop.remote.withListener(on: address) { listener in
    print("lobby: players at \(listener.address)")
    try await listener.serve { connection in
        try await connection.send("what is your name?\n")
        guard let name = try await connection.nextMessage()?.text else { return }
        await lobby.join(connection, as: name)
        do {
            for try await line in connection.lines { await lobby.guess(line, by: connection) }
        } catch {
            // However a player goes, the others are told.
        }
        await lobby.leave(connection)
    }
}
