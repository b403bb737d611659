import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// A file that is not a log as this program writes it is refused with the reason, and left as it is. Where no file can be made, none
/// is left behind.
struct RefusedRecordFileTests {
    private func reason(_ path: String, capacity: Int = 4_096) -> RoomLogError.Reason? {
        do {
            _ = try RecordLog(file: path, capacity: capacity, boot: thisBoot)
            return nil
        } catch {
            #expect(error.path == path)
            #expect(error.description.contains(path))
            return error.reason
        }
    }

    @Test(arguments: ["", "chat", "a letter to ana\n", String(repeating: "chat", count: 3_000)])
    func aFileOfSomethingElse(_ text: String) throws {
        let file = TemporaryPath()
        try file.write(text)
        #expect(reason(file.path) == .notALog)
        #expect(try RecordFileImage(of: file).bytes == Array(text.utf8))
    }

    @Test func whatIsNoFile() throws {
        let folder = try TemporaryFolder()
        #expect(reason(folder.path) == .system("open", Errno(rawValue: EISDIR)))
        let target = TemporaryPath()
        _ = try RecordLog(file: target.path, capacity: 4_096)
        unsafe symlink(target.path, folder.path + "/link")
        #expect(reason(folder.path + "/link") == .system("open", Errno(rawValue: ELOOP)))
        unsafe mkfifo(folder.path + "/fifo", 0o600)
        #expect(reason(folder.path + "/fifo") == .notALog)
        #expect(reason(folder.path + "/nowhere/lobby") == .system("make", Errno(rawValue: ENOENT)))
        #expect(reason("/dev/null") == .notALog)
    }

    @Test func anyBitOfTheHeadThatIsNotAsItWas() throws {
        let file = TemporaryPath()
        try RecordLog(file: file.path, capacity: 4_096, boot: thisBoot).append(.message, from: "ana", text: "hello", time: 0)
        let whole = try RecordFileImage(of: file)
        for bit in 0..<64 * 8 {
            var damaged = whole
            damaged.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try file.write(damaged.bytes)
            switch bit / 8 {
            case 0..<8: #expect(reason(file.path) == .notALog)
            case 8..<12: #expect(reason(file.path) == .version(1 ^ 1 << UInt32(bit - 64)))
            default: #expect(reason(file.path) == .damagedHead)
            }
            #expect(try RecordFileImage(of: file) == damaged)
        }
        try file.write(whole.bytes)
        #expect(reason(file.path) == nil)
    }

    @Test(arguments: [72, 4_096, 4_104, 8_191, 8_193, 16_384])
    func anotherLengthThanItSays(_ length: Int) throws {
        let file = TemporaryPath()
        _ = try RecordLog(file: file.path, capacity: 4_096, boot: thisBoot)
        var bytes = try RecordFileImage(of: file).bytes
        bytes = Array((bytes + [UInt8](repeating: 0, count: 16_384)).prefix(length))
        try file.write(bytes)
        #expect(reason(file.path) == .length(said: 8_192, found: length))
        #expect(try RecordFileImage(of: file).bytes == bytes)
    }

    @Test(
        .enabled(if: kernel_faults_are_available()),
        arguments: [
            (KERNEL_FALLOCATE, Errno.noSpace, "reserve 12288 bytes for"),
            (KERNEL_FALLOCATE, Errno(rawValue: EFBIG), "reserve 12288 bytes for"),
            (KERNEL_MMAP, .noMemory, "map"),
        ])
    func whatCannotBeMadeLeavesNothingBehind(_ call: kernel_call, _ error: Errno, _ operation: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lobby"
        kernel_begin()
        kernel_fail(call, 0, 1, error.rawValue)
        #expect(reason(path, capacity: 8_192) == .system(operation, error))
        kernel_rest()
        #expect(kernel_strikes() == 1)
        #expect(kernel_open_descriptors() == 0 && kernel_mapped_bytes() == 0)
        #expect(folder.names.isEmpty)
        #expect(reason(path, capacity: 8_192) == nil)
    }

    @Test(.enabled(if: kernel_faults_are_available()), arguments: [(0, "open"), (1, "make")])
    func withoutDescriptorsItIsNotOpened(_ skipped: Int32, _ operation: String) throws {
        let folder = try TemporaryFolder()
        kernel_begin()
        kernel_fail(KERNEL_OPEN, skipped, 1, Errno.tooManyOpenFiles.rawValue)
        #expect(reason(folder.path + "/lobby") == .system(operation, .tooManyOpenFiles))
        kernel_rest()
        #expect(folder.names.isEmpty)
    }

    @Test func theSentencesNameThePathAndTheReason() {
        let sentences = [
            RoomLogError.Reason.notALog, .version(7), .damagedHead, .length(said: 8_192, found: 100), .inUse,
            .system("reserve 8192 bytes for", .noSpace),
        ].map { RoomLogError(path: "rooms/lobby", reason: $0).description }
        #expect(
            sentences == [
                "cannot use the room log rooms/lobby: it is not a room log",
                "cannot use the room log rooms/lobby: its format is version 7, not 1",
                "cannot use the room log rooms/lobby: its first page is damaged",
                "cannot use the room log rooms/lobby: it has 100 bytes, and says that it has 8192",
                "cannot use the room log rooms/lobby: it is in use",
                "cannot reserve 8192 bytes for the room log rooms/lobby: No space left on device",
            ])
    }
}
