import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// A log in a file holds what it held when it was last open, and is nobody else's meanwhile.
struct RecordFileTests {
    @Test func holdsWhatAnArrayThatForgetsNothingHoldsHoweverOftenItIsOpened() throws {
        let base = SeededGenerator()
        for offset in 0..<20 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let file = TemporaryPath()
            let capacity = [4_096, 12_288, 65_536].randomElement(using: &random)!
            var boot = thisBoot
            var log = try RecordLog(file: file.path, capacity: capacity, boot: boot)
            var model = RecordModel(capacity: capacity)
            for _ in 0..<Int.random(in: 1...200, using: &random) {
                let entry = model.randomEntry(using: &random)
                let sequence = log.append(entry)
                #expect(sequence == entry.sequence)
                model.append(entry)
                if Int.random(in: 0..<20, using: &random) != 0 { continue }
                let epoch = log.epoch
                // The old log must be gone before the new one opens the file.
                log = RecordLog(capacity: 0)
                let isBooted = Bool.random(using: &random)
                if isBooted { boot = boot.map { $0 &+ 1 } }
                log = try RecordLog(file: file.path, capacity: capacity, boot: boot)
                #expect((log.epoch == epoch) == !isBooted)
                guard log.lostCount == 0, log.firstSequence == model.kept.first?.sequence, log.entries == Array(model.kept) else {
                    Issue.record("CHATREACTOR_SEED=\(random.seed) has it again at once")
                    return
                }
            }
            #expect(log.entries == Array(model.kept))
        }
    }

    @Test func anEmptyLogIsEmptyAgain() throws {
        let file = TemporaryPath()
        let epoch = try RecordLog(file: file.path, capacity: 4_096, boot: thisBoot).epoch
        let again = try RecordLog(file: file.path, capacity: 4_096, boot: thisBoot)
        #expect(again.epoch == epoch && again.entries.isEmpty && again.nextSequence == 1 && again.lostCount == 0)
    }

    @Test func theEpochIsTheSameAsLongAsTheMachineRuns() throws {
        #expect(RecordFile.currentBoot() == RecordFile.currentBoot())
        let file = TemporaryPath()
        let epoch = try RecordLog(file: file.path, capacity: 4_096).epoch
        #expect(try RecordLog(file: file.path, capacity: 4_096).epoch == epoch)
    }

    @Test func itsSpaceIsReservedAndItIsItsOwnersAlone() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lobby"
        let log = try RecordLog(file: path, capacity: 1 << 20)
        #expect(folder.names == ["lobby"])
        var status = stat()
        unsafe stat(path, &status)
        #expect(status.st_size == 4_096 + log.capacity)
        #expect(status.st_blocks * 512 >= status.st_size)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(log.allocatedBytes == 0)
    }

    private func status(of path: String) -> stat {
        var status = stat()
        unsafe stat(path, &status)
        return status
    }

    /// Makes a log with one record, and then holes of what has never been written, as a backup does that leaves out zeros.
    private func makeLogWithHoles() throws -> TemporaryPath {
        let file = TemporaryPath()
        try RecordLog(file: file.path, capacity: 1 << 16, boot: thisBoot).append(.notice, from: "", text: "kept", time: 0)
        let length = status(of: file.path).st_size
        unsafe truncate(file.path, 8_192)
        unsafe truncate(file.path, length)
        #expect(status(of: file.path).st_blocks * 512 < length)
        return file
    }

    /// On a full disk, to write into a hole would end the process.
    @Test func theSpaceOfACopyWithHolesIsReserved() throws {
        let file = try makeLogWithHoles()
        let log = try RecordLog(file: file.path, capacity: 4_096, boot: thisBoot)
        #expect(log.entries.count == 1 && log.lostCount == 0)
        #expect(status(of: file.path).st_blocks * 512 >= status(of: file.path).st_size)
    }

    /// The kernel passes on what a program says that serves a file system.
    @Test func aFileSystemMayCountAnyNumberOfBlocks() {
        let counts: [(blocks: Int, hasHoles: Bool)] = [
            (.min, true), (-1, true), (0, true), (15, true), (16, false), (1 << 54, false), (.max, false),
        ]
        var status = stat()
        status.st_size = 8_192
        for count in counts {
            status.st_blocks = count.blocks
            #expect(RecordFile.hasHoles(status) == count.hasHoles)
        }
    }

    @Test(.enabled(if: kernel_faults_are_available())) func aCopyWithHolesOnAFullDiskIsRefused() throws {
        let file = try makeLogWithHoles()
        let image = try RecordFileImage(of: file)
        kernel_begin()
        kernel_fail(KERNEL_FALLOCATE, 0, 1, ENOSPC)
        let error = RoomLogError(path: file.path, reason: .system("reserve 69632 bytes for", Errno.noSpace))
        #expect(throws: error) { try RecordLog(file: file.path, capacity: 4_096, boot: thisBoot) }
        kernel_rest()
        #expect(kernel_strikes() == 1 && kernel_open_descriptors() == 0)
        #expect(try RecordFileImage(of: file) == image)
    }

    @Test func aFileKeepsItsCapacity() throws {
        let file = TemporaryPath()
        try RecordLog(file: file.path, capacity: 8_192).append(.notice, from: "", text: "kept", time: 0)
        let log = try RecordLog(file: file.path, capacity: 1 << 20)
        #expect(log.capacity == 8_192 && log.entries.count == 1)
    }

    @Test func aFileThatIsOpenIsRefusedUntilItIsClosed() throws {
        let file = TemporaryPath()
        do {
            let log = try RecordLog(file: file.path, capacity: 4_096)
            log.append(.message, from: "ana", text: "here", time: 0)
            #expect(throws: RoomLogError(path: file.path, reason: .inUse)) {
                try RecordLog(file: file.path, capacity: 4_096)
            }
            #expect(log.entries.count == 1)
        }
        #expect(try RecordLog(file: file.path, capacity: 4_096).entries.count == 1)
    }

    @Test(.enabled(if: kernel_faults_are_available()))
    func aLogGivesBackItsMemoryAndItsDescriptor() throws {
        let file = TemporaryPath()
        kernel_begin()
        defer { kernel_rest() }
        for _ in 0..<3 {
            _ = try RecordLog(file: file.path, capacity: 4_096)
            #expect(kernel_open_descriptors() == 0)
            #expect(kernel_mapped_bytes() == 0)
        }
    }
}
