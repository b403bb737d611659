import Glibc
import Reactor

/// A line between two sockets, which passes on what either side sends: in pieces, late, and with harm.
public final class HarmfulLine {
    public enum Harm: Sendable {
        case none
        /// One bit of the byte at this place is another.
        case flip(place: Int, bit: Int)
        /// What comes from this place on is lost, and both sides lose the line.
        case cut(place: Int)
    }

    private struct Half {
        let from: Peer
        let to: Peer
        let harm: Harm
        /// How many bytes have come.
        var count = 0
        var waiting: [UInt8] = []
        var hasEnded = false
    }

    private var halves: [Half]
    private let longestPiece: Int
    private var random: SeededGenerator
    /// Whether the line is gone, and both sides have been told.
    public private(set) var isGone = false

    /// - Parameters:
    ///   - forth: What happens to what `near` sends.
    ///   - back: What happens to what `far` sends.
    ///   - longestPiece: How many bytes are passed on at a time, at most. Of less than all, each piece has a random length, and may be late.
    public init(
        between near: Peer, and far: Peer, forth: Harm = .none, back: Harm = .none, longestPiece: Int = .max,
        random: SeededGenerator
    ) {
        halves = [Half(from: near, to: far, harm: forth), Half(from: far, to: near, harm: back)]
        self.longestPiece = longestPiece
        self.random = random
    }

    /// How many bytes have come from the near side, and from the far one.
    public var counts: (forth: Int, back: Int) { (halves[0].count, halves[1].count) }

    /// Passes on what has come, without waiting for more.
    ///
    /// - Returns: Whether there was something to pass on. What is late may still be there.
    public func pass() -> Bool {
        var isBusy = false
        for index in halves.indices where !isGone && !halves[index].hasEnded { isBusy = passHalf(index) || isBusy }
        if halves.allSatisfy(\.hasEnded) { hangUp() }
        return isBusy
    }

    private func passHalf(_ index: Int) -> Bool {
        let half = halves[index]
        let new = half.from.receiveAvailable()
        let place = half.count
        halves[index].count += new?.count ?? 0
        var waiting = half.waiting + (new ?? [])
        switch half.harm {
        case .none: break
        case .flip(let at, let bit):
            if (place..<halves[index].count).contains(at) { waiting[half.waiting.count + at - place] ^= 1 << UInt8(bit & 7) }
        case .cut(let at):
            if halves[index].count > at {
                waiting.removeLast(halves[index].count - max(at, place))
                try? half.to.send(waiting)
                hangUp()
                return true
            }
        }
        var piece = waiting.count
        if longestPiece < .max {
            piece = Bool.random(using: &random) ? min(piece, .random(in: 0...longestPiece, using: &random)) : 0
        }
        if piece > 0 {
            // Who is gone needs nothing more.
            do { try half.to.send(Array(waiting.prefix(piece))) } catch { piece = waiting.count }
        }
        halves[index].waiting = Array(waiting.dropFirst(piece))
        if new == nil, piece == waiting.count {
            half.to.shutDownSending()
            halves[index].hasEnded = true
        }
        return !waiting.isEmpty || halves[index].hasEnded
    }

    /// Takes the line away from both sides.
    public func hangUp() {
        if isGone { return }
        isGone = true
        for half in halves { half.from.hangUp() }
    }
}
