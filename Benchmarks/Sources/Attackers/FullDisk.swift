public import Foundation

/// Fills a file system until nothing more fits.
public final class FullDisk: Attacker {
    private let filler: URL
    private var fileHandle: FileHandle?
    private var isFull = false

    /// - Parameter directory: The root of a file system that is small, and that nobody else needs.
    public init(_ directory: URL) {
        filler = directory.appending(path: "filler")
    }

    /// A program that writes there may make room again by closing a file, so this goes on filling it.
    public func step() -> Bool {
        if fileHandle == nil {
            _ = FileManager.default.createFile(atPath: filler.path, contents: nil)
            fileHandle = try? FileHandle(forWritingTo: filler)
        }
        let block = [UInt8](repeating: 0, count: 65_536)
        guard let descriptor = fileHandle?.fileDescriptor else { return false }
        let count = unsafe block.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == ENOSPC { isFull = true }
        return count > 0
    }

    public func end() {
        try? fileHandle?.close()
        fileHandle = nil
        try? FileManager.default.removeItem(at: filler)
    }

    public var complaint: String? { isFull ? nil : "the disk was never full, so nothing was shown" }
}
