import Reactor
import Testing

@testable import ChatReactorRedis

/// Where a stream is, as people write it.
@Suite struct RedisPlaceTests {
    @Test func `a host, a login and a path`() throws {
        let host = try RedisPlace("redis://example.org/lobby")
        #expect(host.endpoint == .tcp(host: "example.org", port: 6379) && host.name == "lobby")
        #expect(host.user == nil && host.password == nil && host.description == "redis://example.org:6379/lobby")
        let login = try RedisPlace("redis://ana:p@ss/word:@[::1]:7000/a.b-c_1")
        #expect(login.endpoint == .tcp(host: "::1", port: 7000) && login.user == "ana" && login.password == "p@ss/word:")
        #expect(login.description == "redis://ana@[::1]:7000/a.b-c_1")
        #expect(try RedisPlace("redis://:secret@h/n").password == "secret")
        let path = try RedisPlace("unix:/run/redis/redis.sock/lobby")
        #expect(path.endpoint == .unix(path: "/run/redis/redis.sock") && path.name == "lobby")
        #expect(path.description == "unix:/run/redis/redis.sock/lobby")
    }

    @Test(arguments: [
        "rediss:h/n", "redis:h/n", "http://h/n", "redis://h", "redis://h/", "redis://h/a b", "redis://h:x/n", "redis:///n",
        "unix:/n",
        "redis://h/é", "", "redis://", "redis://:secret@/n", "redis://:secret@h:1:2/n",
    ])
    func `anything else is refused, without its password`(text: String) {
        #expect { _ = try RedisPlace(text) } throws: { error in !"\(error)".contains("secret") && !"\(error)".isEmpty }
    }

    @Test func `one that speaks TLS`() throws {
        let place = try RedisPlace("rediss://ana:secret@h/n")
        #expect(place.usesTLS && place.endpoint == .tcp(host: "h", port: 6379) && place.description == "rediss://ana@h:6379/n")
        #expect(try !RedisPlace("redis://h/n").usesTLS && !RedisPlace("unix:/h/n").usesTLS)
    }

    @Test func `names of entries are in the stream's order`() throws {
        let id = try #require(StreamID(Array("1718000000000-12".utf8)))
        #expect(id == StreamID(time: 1_718_000_000_000, number: 12) && "\(id)" == "1718000000000-12")
        #expect(StreamID(time: 1, number: 9) < StreamID(time: 2, number: 0) && StreamID.zero < StreamID(time: 0, number: 1))
        for text in ["", "-", "1", "1-", "-1", "a-1", "1-2-3", "18446744073709551616-0"] {
            #expect(StreamID(Array(text.utf8)) == nil, "\(text)")
        }
    }
}
