import Reactor
import SimulatedKernel

/// Loops of several threads, of which one makes a turn inside of a system call of another.
final class SimulatedThreads {
    private(set) var loops: [EventLoop] = []
    /// The loops that make a turn inside of a system call, and the one that makes that.
    private var inner: [Int] = []
    private var outer = 0
    /// What failed where nothing can be thrown.
    private(set) var failure: Finding?

    /// What another thread does begins in a C function, which can hold nothing.
    private nonisolated(unsafe) static var current: SimulatedThreads?

    /// These are the threads until `end`.
    func begin() { unsafe Self.current = self }

    func end() {
        unsafe Self.current = nil
        for loop in loops { loop.close() }
    }

    /// Returns its number.
    @discardableResult
    func add(_ loop: EventLoop) -> Int {
        loops.append(loop)
        return loops.count - 1
    }

    /// Has others make turns inside of the next system calls of one of them.
    func interleave(_ others: [Int] = [], with loop: Int) {
        inner += others
        outer = loop
        kernel_interleave(Int32(others.count)) { unsafe SimulatedThreads.current?.turnInside() }
    }

    private func turnInside() {
        let next = inner.isEmpty ? (outer + 1) % loops.count : inner.removeFirst()
        let loop = next % loops.count == outer ? (outer + 1) % loops.count : next % loops.count
        if loop == outer { return }
        do { try loops[loop].runOnce(waitingAtMost: .zero) } catch { failure = Finding("a loop fails", "\(error)") }
    }
}

/// One turn of a loop, and how often another one makes a turn inside of its system calls.
struct LoopTurn: CustomStringConvertible {
    let loop: Int
    let inner: [Int]

    /// Some turns of so many loops.
    static func some(atMost count: Int, loops: Int, using random: inout SeededGenerator) -> [LoopTurn] {
        (0..<random.number(0...count)).map { _ in
            LoopTurn(
                loop: random.number(0...loops - 1),
                inner: (0..<(random.oneIn(2) ? random.number(1...4) : 0)).map { _ in random.number(0...loops - 1) })
        }
    }

    var description: String { "\(loop)\(inner.isEmpty ? "" : " (\(inner.map(String.init).joined(separator: " ")))")" }
}

/// Something that happens, and the turns that are made afterwards.
struct LoopsStep<Action>: CustomStringConvertible {
    let number: Int
    let seed: UInt64
    let action: Action
    let turns: [LoopTurn]

    var description: String { "\(number)  \(action); turns: \(turns.map(\.description).joined(separator: ", "))" }
}

/// What is played with several threads on the simulated kernel.
protocol LoopsStage: AnyObject {
    associatedtype Action

    var threads: SimulatedThreads { get }
    var random: SeededGenerator { get set }
    var counts: ScenarioCounts { get set }

    func perform(_ action: Action) throws
    /// What must hold after a turn of a loop.
    func checkTurn(of loop: Int) throws
}

extension LoopsStage {
    func play(_ steps: [LoopsStep<Action>], isTraced: Bool) throws {
        for step in steps {
            counts[.steps] += 1
            if isTraced { print("  \(step)") }
            random = SeededGenerator(seed: step.seed)
            kernel_seed(step.seed)
            try perform(step.action)
            for turn in step.turns where turn.loop < threads.loops.count { try self.turn(turn.loop, inner: turn.inner) }
        }
        if isTraced { print("  the end") }
    }

    func turn(_ loop: Int, inner: [Int] = [], waitingAtMost timeout: Duration? = .zero) throws {
        threads.interleave(inner, with: loop)
        try threads.loops[loop].runOnce(waitingAtMost: timeout)
        counts[.turns] += 1
        try checkTurn(of: loop)
        if let failure = threads.failure { throw failure }
    }

    /// Turns all loops, until nothing has happened in so many rounds.
    ///
    /// - Parameters:
    ///   - pump: Has peers write and read. Returns how much they have, or still have to.
    ///   - describe: What is left, if that does not end.
    func settle(rounds: Int, pump: () throws -> Int, describe: () -> [String]) throws {
        var quiet = 0
        for _ in 0..<20_000 where quiet < rounds {
            let progress = kernel_progress()
            for loop in threads.loops.indices {
                // A turn inside of another one counts as something that has happened.
                let isInside = quiet == 0 && kernel_interleavings_left() == 0 && random.oneIn(4)
                try turn(loop, inner: isInside ? [random.number(0...threads.loops.count - 1)] : [])
            }
            quiet = try pump() == 0 && kernel_progress() == progress ? quiet + 1 : 0
        }
        if quiet < rounds { throw Finding("the loops do not come to rest", describe().joined(separator: ", ")) }
    }

    /// At rest no loop turns.
    func checkIdle() throws {
        for index in threads.loops.indices where !threads.loops[index].isClosed {
            _ = kernel_is_idle()
            for _ in 0..<5 { try turn(index, waitingAtMost: nil) }
            if !kernel_is_idle() { throw Finding("an idle loop turns", "loop \(index)") }
        }
    }

    /// What comes by chance alone, such as a spurious event, is not work: there is none of it in what is done meanwhile.
    func doing(without faults: kernel_faults, _ body: () throws -> Void) throws {
        var (faults, none) = (faults, kernel_faults())
        unsafe kernel_set_faults(&none)
        try body()
        unsafe kernel_set_faults(&faults)
    }
}

/// The other end of a stream, which writes when there is room.
class StreamPeer {
    let name: String
    let stream: Int32
    var hasHungUp = false
    /// What it is to write, and has had no room for.
    var unwritten: [UInt8] = []

    init(_ name: String, stream: Int32) { (self.name, self.stream) = (name, stream) }

    /// Returns how many bytes there was room for.
    @discardableResult
    func write() -> Int {
        if unwritten.isEmpty { return 0 }
        let count = unsafe unwritten.withUnsafeBufferPointer { unsafe world_write(stream, $0.baseAddress!, $0.count) }
        unwritten.removeFirst(count)
        return count
    }

    /// All that it was sent, the last part of which may have no newline.
    var sentText: String {
        let sent = unsafe UnsafeBufferPointer(start: world_sent(stream), count: world_sent_count(stream))
        return unsafe String(decoding: sent, as: UTF8.self)
    }

    func hangUp() {
        hasHungUp = true
        world_close(stream)
    }
}
