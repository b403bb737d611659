import Glibc
import SimulatedKernel

/// Memory that a worker shares with the process that started it: what it has done, and what it was doing when it ended.
@safe final class WorkerReport {
    private static let textSize = 4_096

    /// ScenarioCounts.size counters, then these.
    private enum Place: Int {
        case seed, hasFinding, length, hash, count
    }

    private let numbers: UnsafeMutablePointer<UInt64>
    private let text: UnsafeMutablePointer<CChar>
    private let byteCount: Int

    init() {
        byteCount = (ScenarioCounts.size + Place.count.rawValue) * 8 + 2 * Self.textSize
        let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { fatalError("mmap: out of memory") }
        unsafe numbers = memory.assumingMemoryBound(to: UInt64.self)
        unsafe text = (memory + (ScenarioCounts.size + Place.count.rawValue) * 8).assumingMemoryBound(to: CChar.self)
    }

    deinit {
        unsafe munmap(numbers, byteCount)
    }

    private subscript(place: Place) -> UInt64 {
        get { unsafe numbers[ScenarioCounts.size + place.rawValue] }
        set { unsafe numbers[ScenarioCounts.size + place.rawValue] = newValue }
    }

    /// The seed that the worker is at.
    var seed: UInt64 {
        get { self[.seed] }
        set { self[.seed] = newValue }
    }

    /// The hash of what it has played.
    var hash: UInt64 {
        get { self[.hash] }
        set { self[.hash] = newValue }
    }

    var counts: ScenarioCounts {
        get {
            var counts = ScenarioCounts()
            for index in 0..<ScenarioCounts.size { unsafe counts.counts[index] = numbers[index] }
            return counts
        }
        set {
            for index in 0..<ScenarioCounts.size { unsafe numbers[index] = newValue.counts[index] }
        }
    }

    var finding: Finding? {
        get {
            if self[.hasFinding] == 0 { return nil }
            let bytes = unsafe UnsafeRawBufferPointer(start: text, count: Int(self[.length]))
            return Finding(text: unsafe String(decoding: bytes, as: UTF8.self))
        }
        set {
            self[.hasFinding] = newValue == nil ? 0 : 1
            let bytes = Array((newValue?.text ?? "").utf8.prefix(Self.textSize))
            self[.length] = UInt64(bytes.count)
            for (index, byte) in bytes.enumerated() { unsafe text[index] = CChar(bitPattern: byte) }
        }
    }

    /// What the simulated kernel leaves behind if it has to end the process.
    var note: String {
        let place = unsafe text + Self.textSize
        return unsafe String(cString: place)
    }

    /// Has the kernel's note written here from now on.
    func takeNotes() {
        unsafe (text + Self.textSize).pointee = 0
        unsafe kernel_leave_note(text + Self.textSize, Self.textSize)
    }
}
