import Glibc
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// What the file of bans holds after its process was killed while it wrote: all that had been added, and nothing torn.
@Suite struct KilledBanWriterTests {
    private static let variable = "CHATREACTOR_KILLED_BAN_WRITER"

    private static func ban(_ number: Int) throws -> Ban {
        Ban(.name(try ChatName("n\(number)")), end: nil, reason: String(repeating: "r", count: number * 7 % 200))
    }

    @Test func nothingIsTornAndNothingThatWasAddedIsLost() throws {
        let (file, progress) = (TemporaryPath(), TemporaryPath())
        try progress.write("0\n")
        var count = 0
        for kill in 1...25 {
            let writer = try ChildProcess(
                "/proc/self/exe", ["--testing-library", "swift-testing", "--filter", "KilledBanWriterTests/theWriter"],
                environment: ["\(Self.variable)=\(file.path) \(progress.path)"], output: .null, error: .null)
            let target = count + Int.random(in: 1...40)
            func added() throws -> Int { try progress.text.split(separator: "\n").count - 1 }
            try wait(for: "\(target) bans") { try added() >= target || writer.currentEnd != nil }
            writer.kill()
            count = try added()
            try #require(count >= target, "the writer has ended by itself")
            let list = try BanList(file: file.path)
            let written = list.all.count
            #expect(written == count || written == count + 1, "kill \(kill)")
            for number in 0..<written { #expect(try list.ban(of: ChatName("n\(number)")) == Self.ban(number), "kill \(kill)") }
            count = written
            try progress.write("0\n" + String(repeating: "+\n", count: count))
        }
    }

    /// What the other test runs in a process of its own, and kills.
    @Test(.enabled(if: unsafe getenv(variable) != nil)) func theWriter() throws {
        let paths = unsafe String(cString: getenv(Self.variable)).split(separator: " ").map(String.init)
        let list = try BanList(file: paths[0])
        let progress = OwnedDescriptor(takingOver: unsafe open(paths[1], O_WRONLY | O_APPEND | O_CLOEXEC))
        // It must not outlive a test that was ended.
        let parent = getppid()
        var number = list.all.count
        while getppid() == parent {
            try list.add(Self.ban(number))
            number += 1
            guard unsafe write(progress.rawValue, "+\n", 2) == 2 else { return }
        }
    }
}
