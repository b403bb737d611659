import Glibc
import Reactor
import TestSupport
import Testing

/// A service manager is told when the daemon serves, and when it has begun to end.
@Suite struct ServiceManagerTests {
    @Test(arguments: [false, true]) func `hears READY=1 and STOPPING=1`(isAbstract: Bool) throws {
        let directory = try TemporaryDirectory()
        let name = (isAbstract ? "@" : "") + directory.path + "/notify"
        let manager = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(manager >= 0)
        let states = StreamReader(takingOver: manager)
        let length = MemoryLayout<sa_family_t>.size + name.utf8.count
        let result = unsafe withErasedPointer(to: unixAddress(name), length: length) { unsafe bind(manager, $0, $1) }
        try #require(result == 0)

        try withDaemon(environment: ["NOTIFY_SOCKET=\(name)"]) { daemon in
            let ready = Array("READY=1".utf8)
            #expect(try states.bytes(ready.count) == ready)
            _ = try daemon.connect()
            daemon.process.send(signal: SIGTERM)
            let stopping = Array("STOPPING=1".utf8)
            #expect(try states.bytes(stopping.count) == stopping)
        }
    }

    @Test func `one that is not there does no harm`() throws {
        try withDaemon(environment: ["NOTIFY_SOCKET=/no/such/socket"]) { daemon in _ = try daemon.join(2) }
    }
}
