// Relays every message of a Redis channel to all connected line clients. It shows how a C library that has an event loop's adapter,
// hiredis, is driven by this loop, with no thread and no loop of its own: see RedisAdapter.swift. It ends when Redis does. A
// message that is longer than a quarter of the topic's log, 256 KiB, is not relayed.
//
//     apt-get install libhiredis-dev redis-server
//     swift run --traits Hiredis redis-relay news        # or: redis-relay CHANNEL ADDRESS REDIS, as in unix:/run/redis/redis.sock
//     nc localhost 3001
//     redis-cli publish news hello
import ChatReactor
import Glibc

#if Hiredis
    final class Listeners: ConnectionHandler {
        let topic: Topic
        let greeting: String

        init(of topic: Topic, greeting: String) {
            self.topic = topic
            self.greeting = greeting
        }

        func connectionDidOpen(_ connection: Connection) {
            connection.send(greeting)
            topic.subscribe(connection)
        }

        func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
            // Listeners have nothing to say.
        }
    }

    // hiredis writes to its socket with write(2).
    signal(SIGPIPE, SIG_IGN)
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard let channel = arguments.first else {
        print("usage: redis-relay CHANNEL [ADDRESS [REDIS]]")
        exit(EX_USAGE)
    }
    let redis = try Endpoint(arguments.count > 2 ? arguments[2] : "127.0.0.1:6379")
    let loop = try EventLoop()
    let topic = try Topic(on: loop)
    let connection = try RedisConnection(to: redis, on: loop) { reason in
        print("redis-relay: no connection to Redis at \(redis): \(reason)")
        exit(EX_UNAVAILABLE)
    }
    // Clients are let in only once there is something for them to listen to.
    connection.subscribe(to: channel) {
        do {
            for address in try Endpoint(arguments.count > 1 ? arguments[1] : "localhost:3001").resolve() {
                let listener = try loop.listen(
                    on: address, handler: Listeners(of: topic, greeting: "# subscribed to \(channel)\n"))
                print("redis-relay: listening on \(listener.address)")
            }
        } catch {
            print("redis-relay: cannot listen: \(error)")
            exit(EX_UNAVAILABLE)
        }
    } onMessage: { message in
        topic.publish(message + "\n")
    }
    try loop.run()
#else
    print("redis-relay: built without hiredis; install libhiredis-dev and build with --traits Hiredis")
    exit(EX_UNAVAILABLE)
#endif
