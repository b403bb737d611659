import Glibc
import Reactor
import Synchronization
import TestSupport
import Testing

@testable import ChatReactor

/// What a log's file holds after its process was killed in the middle of a burst: whole records, in order, and at least all of those
/// that had been appended.
@Suite struct KilledWriterTests {
    private static let variable = "CHATREACTOR_KILLED_WRITER"

    /// Which record of the log was appended last, in memory that two processes share.
    @safe private struct Acknowledgement: ~Copyable {
        private let page: UnsafeMutableRawPointer

        init(file: TemporaryPath) throws {
            try self.init(path: file.path, descriptor: OwnedDescriptor(takingOver: try file.open(O_RDWR)))
        }

        init(path: String, descriptor: consuming OwnedDescriptor) throws {
            guard ftruncate(descriptor.rawValue, 4_096) == 0 else { throw Errno.last }
            let page = unsafe mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.rawValue, 0)
            unsafe self.page = try #require(unsafe page == MAP_FAILED ? nil : page)
        }

        deinit { unsafe munmap(page, 4_096) }

        var sequence: UInt64 {
            get { unsafe number.pointee.load(ordering: .acquiring) }
            nonmutating set { unsafe number.pointee.store(newValue, ordering: .releasing) }
        }

        private var number: UnsafeMutablePointer<Atomic<UInt64>> {
            unsafe page.assumingMemoryBound(to: Atomic<UInt64>.self)
        }
    }

    private static func entry(_ sequence: UInt64) -> RecordModel.Entry {
        let random = sequence &* 0x9E37_79B9_7F4A_7C15
        return RecordModel.Entry(
            sequence: sequence, kind: .init(rawValue: UInt8(random % 7 + 1)) ?? .message, from: Array("guest\(sequence)".utf8),
            text: [UInt8](repeating: UInt8(random >> 8 & 255), count: Int(random >> 16 % 700)), time: Int64(bitPattern: random),
            online: Int32(truncatingIfNeeded: random >> 32))
    }

    @Test func nothingIsTornAndNothingThatWasAppendedIsLost() throws {
        let file = TemporaryPath()
        let acknowledgementFile = TemporaryPath()
        let acknowledgement = try Acknowledgement(file: acknowledgementFile)
        let epoch = try RecordLog(file: file.path, capacity: 65_536).epoch
        var random = SeededGenerator()
        for kill in 1...50 {
            let before = acknowledgement.sequence
            let writer = try ChildProcess(
                "/proc/self/exe", ["--testing-library", "swift-testing", "--filter", "KilledWriterTests/theWriter"],
                environment: ["\(Self.variable)=\(file.path) \(acknowledgementFile.path)"], output: .null, error: .null)
            let target = before + UInt64.random(in: 1...2_000, using: &random)
            try wait(for: "\(target) records") { acknowledgement.sequence >= target || writer.currentEnd != nil }
            writer.kill()
            let acknowledged = acknowledgement.sequence
            try #require(acknowledged >= target, "the writer has ended by itself")

            let log = try RecordLog(file: file.path, capacity: 65_536)
            let appended = log.nextSequence - 1
            #expect(appended == acknowledged || appended == acknowledged + 1, "kill \(kill)")
            #expect(log.lostCount == 0 && log.epoch == epoch, "kill \(kill)")
            let entries = log.entries
            #expect(entries == (log.firstSequence...appended).map(Self.entry), "kill \(kill)")
        }
    }

    /// What the other test runs in a process of its own, and kills.
    @Test(.enabled(if: unsafe getenv(variable) != nil)) func theWriter() throws {
        let paths = unsafe String(cString: getenv(Self.variable)).split(separator: " ").map(String.init)
        let log = try RecordLog(file: paths[0], capacity: 65_536)
        let descriptor = OwnedDescriptor(takingOver: unsafe open(paths[1], O_RDWR | O_CLOEXEC))
        let acknowledgement = try Acknowledgement(path: paths[1], descriptor: descriptor)
        // It must not outlive a test that was ended.
        let parent = getppid()
        while getppid() == parent {
            guard let sequence = log.append(Self.entry(log.nextSequence)) else { return }
            acknowledgement.sequence = sequence
        }
    }
}
