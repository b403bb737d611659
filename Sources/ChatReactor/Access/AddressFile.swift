import Glibc
public import Reactor

extension AddressBlock {
    /// The most that a file may have: millions of blocks.
    private static let fileLimit = 64 << 20

    /// The blocks of a file: text, an address or a block a line. What follows a `#` is a comment, and empty lines are passed over.
    ///
    ///     # The office
    ///     192.0.2.0/24
    ///     2001:db8::/32    # and its guests
    ///
    /// - Throws: If the file cannot be read, or if a line is no block. The sentence names the file, the line and what is wrong.
    ///
    /// - Complexity: O(*n*) for *n* bytes of the file.
    ///
    /// The corresponding C functions are `open`, `fstat` and `read`.
    public static func blocks(inFile path: String) throws(AddressFileError) -> [AddressBlock] {
        let bytes: [UInt8]
        do throws(Errno) {
            guard let contents = try WholeFile.read(path, limit: fileLimit) else { throw Errno(rawValue: ENOENT) }
            bytes = contents
        } catch {
            throw AddressFileError(path, error)
        }
        var blocks: [AddressBlock] = []
        for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            let blank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == 13 }
            var content = line.prefix { $0 != UInt8(ascii: "#") }.drop(while: blank)
            while let last = content.last, blank(last) { content.removeLast() }
            if content.isEmpty { continue }
            do throws(AddressBlock.Invalid) {
                blocks.append(try AddressBlock(String(decoding: content, as: UTF8.self)))
            } catch {
                throw AddressFileError(path, line: index + 1, "\(error)")
            }
        }
        return blocks
    }
}

/// Why a file of addresses cannot be used, in a sentence.
public struct AddressFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence, without a full stop.
    public let description: String
    /// What the system has said; nil if a line of the file is no address and no block.
    public let error: Errno?

    init(_ path: String, line: Int, _ reason: String) {
        description = "cannot use the addresses \(path): line \(line): \(reason)"
        error = nil
    }

    init(_ path: String, _ error: Errno) {
        description = "cannot read the addresses \(path): \(error == .invalidArgument ? "it is no file" : "\(error)")"
        self.error = error
    }
}
