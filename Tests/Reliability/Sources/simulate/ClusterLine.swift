import SimulatedKernel

/// A line between a server and Redis, both of which the program has an end of: what is sent at one end is carried to the other.
final class ClusterLine {
    /// The server's end, and that of Redis.
    let near: Int32
    let far: Int32
    /// At how many more bytes in one direction it breaks; nil if it does not.
    var breaks: (bytes: Int, towardsRedis: Bool)?
    /// Whether it has ended, and both know it or will know.
    private(set) var isOver = false

    init(near: Int32, far: Int32) { (self.near, self.far) = (near, far) }

    /// Carries what there is, `limit` bytes in each direction at most, and returns how many.
    func carry(_ limit: Int) -> Int {
        // A line that is dead tells nobody.
        if isOver || limit == 0 { return 0 }
        let count = carry(limit, towardsRedis: true) + carry(limit, towardsRedis: false)
        if breaks?.bytes == 0 { cut() }
        if !isOver { passOnEnd(of: near, to: far) }
        if !isOver { passOnEnd(of: far, to: near) }
        return count
    }

    func cut() {
        if isOver { return }
        isOver = true
        world_reset(near)
        world_reset(far)
    }

    private func carry(_ limit: Int, towardsRedis: Bool) -> Int {
        let (from, to) = towardsRedis ? (near, far) : (far, near)
        let taken = world_taken(from)
        var count = min(world_sent_count(from) - taken, limit)
        let isWatched = breaks?.towardsRedis == towardsRedis
        if isWatched, let breaks { count = min(count, breaks.bytes) }
        guard count > 0, let bytes = unsafe world_sent(from) else { return 0 }
        count = unsafe world_write(to, bytes + taken, count)
        _ = world_read(from, count)
        if isWatched { breaks?.bytes -= count }
        return count
    }

    /// What the program has done to one end, the other one is told once all has been carried.
    private func passOnEnd(of end: Int32, to other: Int32) {
        let isReset = world_saw_reset(end) || world_is_dead(end)
        let isEmpty = world_sent_count(end) == world_taken(end)
        if isReset {
            isOver = true
            world_reset(other)
        } else if isEmpty, world_is_closed(end) {
            isOver = true
            world_close(other)
        } else if isEmpty, world_saw_end(end) {
            world_shut_down(other)
        }
    }
}
