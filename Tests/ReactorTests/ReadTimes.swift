import TestSupport

/// Has bytes read one by one, at the beginning of a message and behind a megabyte of it. A reader that looked at the whole of it again with each
/// read, or moved it, would take ten times as long there.
///
/// - Parameter read: One read, of up to 4,096 bytes that end no message.
/// - Returns: How long as many reads took at both places.
func timesOfReads(_ read: (ArraySlice<UInt8>) -> Void) -> (atFirst: Duration, behind: Duration) {
    func time() -> Duration { threadTime { for _ in 0..<2_000 { read([97]) } } }
    let atFirst = time()
    let piece = [UInt8](repeating: 97, count: 4_096)
    for _ in 0..<256 { read(piece[...]) }
    return (atFirst, time())
}
