import ChatCommandLine
import Glibc

/// The file whose lines greet newcomers.
enum MessageOfTheDay {
    /// Every newcomer gets all of it.
    private static let maximumLength = 65_536

    /// Reads the lines of the file, without the empty ones at its end.
    static func read(_ path: String) throws(Failure) -> [String] {
        let text = try TextFile.read(path, called: "the message of the day", limit: maximumLength, badCode: EX_DATAERR)
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}
