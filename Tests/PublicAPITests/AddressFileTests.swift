import ChatReactor
import Glibc
import TestSupport
import Testing

/// Files of addresses, and what is said of a bad one.
struct AddressFileTests {
    private let file = TemporaryPath()

    private func blocks(_ text: String) throws -> [String] {
        try file.write(text)
        return try AddressBlock.blocks(inFile: file.path).map(\.description)
    }

    @Test("A line is an address or a block; comments, blanks and empty lines are passed over")
    func reading() throws {
        #expect(try blocks("") == [])
        #expect(try blocks("# nobody\n\n  \n") == [])
        #expect(
            try blocks("192.0.2.7\n10.0.0.0/8\r\n\t2001:db8::/32 # guests\n#::1\n::2#\n[::3]") == [
                "192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::2", "::3",
            ])
    }

    @Test("A bad line is named", arguments: ["10.0.0.0/33", "example.com", "10.0.0.1 10.0.0.2", "10.0.0.1, ", "\u{1B}[2J"])
    func badLine(line: String) throws {
        let error = #expect(throws: AddressFileError.self) { try blocks("# head\n10.0.0.1\n\(line)\n") }
        #expect(error?.error == nil)
        let description = error?.description ?? ""
        #expect(description.hasPrefix("cannot use the addresses \(file.path): line 3: '"), "\(description)")
        #expect(description.hasSuffix("is no address like 192.0.2.7, and no block like 10.0.0.0/8 or 2001:db8::/32"))
        #expect(!description.utf8.contains(0x1B))
    }

    @Test("A file that cannot be read is named, with the reason")
    func unreadable() {
        let absent = #expect(throws: AddressFileError.self) { try AddressBlock.blocks(inFile: file.path) }
        #expect(absent?.error == Errno(rawValue: ENOENT))
        #expect(absent?.description == "cannot read the addresses \(file.path): No such file or directory")
        let folder = #expect(throws: AddressFileError.self) { try AddressBlock.blocks(inFile: "/tmp") }
        #expect(folder?.description == "cannot read the addresses /tmp: it is no file")
    }
}
