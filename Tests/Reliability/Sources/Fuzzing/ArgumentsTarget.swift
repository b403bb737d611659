import ArgumentParser
import Glibc

@testable import Reactor

/// A text on the command line is refused with a sentence, or is taken for something that is written as what it was read from; and the
/// same goes for what the kernel says of addresses.
enum ArgumentsTarget {
    static func run(_ input: FuzzInput) throws {
        var input = input
        let kind = input.number(below: 4)
        let rest = input.rest
        if kind == 0 { return try checkSystemAddress(Array(rest)) }
        let text = String(decoding: rest, as: UTF8.self)
        checkEndpoint(text, defaultPort: kind == 1 ? nil : 3_001)
        check(ByteCount.self, text)
        check(TimeLimit.self, text)
        check(FramingName.self, text)
        check(SlowName.self, text)
    }

    /// A value's description, read again, is the same value.
    private static func check<Value: ExpressibleByArgument>(_: Value.Type, _ text: String) {
        guard let value = Value(argument: text) else { return }
        let description = "\(value)"
        guard let again = Value(argument: description), "\(again)" == description else {
            fatalError("'\(text)' is read as \(Value.self) \(description), which is not read as the same")
        }
    }

    private static func check<Value: OptionValue>(_: Value.Type, _ text: String) {
        do throws(InvalidOptionValue) {
            let value = try Value(text)
            checkThatItIsReadAgain(value)
            if let count = value as? ByteCount, !(1...1_073_741_824).contains(count.value) { fatalError("\(count) bytes") }
            if let limit = value as? TimeLimit, !(.zero ... .seconds(3_650 * 86_400)).contains(limit.duration) {
                fatalError("\(limit)")
            }
        } catch {
            if error.description.isEmpty { fatalError("'\(text)' is refused without a reason") }
        }
    }

    private static func checkThatItIsReadAgain<Value: OptionValue>(_ value: Value) {
        do throws(InvalidOptionValue) {
            let again = try Value("\(value)")
            if "\(again)" != "\(value)" { fatalError("\(value) is read as \(again)") }
        } catch {
            fatalError("\(value) is not read again: \(error)")
        }
    }

    private static func checkEndpoint(_ text: String, defaultPort: UInt16?) {
        do throws(EndpointError) {
            let endpoint = try Endpoint(text, defaultPort: defaultPort)
            if case .unix(let path) = endpoint, path.utf8.count > SocketAddress.maximumPathLength { fatalError(path) }
            checkThatItIsReadAgain(endpoint)
        } catch {
            if error.description.isEmpty { fatalError("'\(text)' is refused without a reason") }
        }
    }

    private static func checkThatItIsReadAgain(_ endpoint: Endpoint) {
        do throws(EndpointError) {
            let again = try Endpoint(endpoint.description)
            if again != endpoint { fatalError("\(endpoint) is read as \(again)") }
        } catch {
            fatalError("\(endpoint) is not read again: \(error)")
        }
    }

    private static func checkSystemAddress(_ bytes: [UInt8]) throws {
        guard let address = try systemAddress(bytes) else { return }
        let description = address.description
        if case .unix(let path) = address {
            guard description == "unix:\(path)" else { fatalError(description) }
            return
        }
        let form = unsafe address.withSystemAddress { start, length in
            unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(length)))
        }
        guard try systemAddress(form) == address else { fatalError("\(address) is not itself") }
        guard let port = address.port, address.withPort(port) == address else { fatalError("\(address) has another port") }
        do throws(EndpointError) {
            guard case .tcp(_, port) = try Endpoint(description) else { fatalError("\(description) is another endpoint") }
        } catch {
            fatalError("\(description) is no endpoint: \(error)")
        }
    }

    /// An address as the kernel would write it into the room that it is given.
    private static func systemAddress(_ bytes: [UInt8]) throws -> SocketAddress? {
        try unsafe SocketAddress { address, length in
            let count = min(bytes.count, Int(unsafe length.pointee))
            unsafe UnsafeMutableRawBufferPointer(start: address, count: count).copyBytes(from: bytes.prefix(count))
            unsafe length.pointee = socklen_t(count)
            return 0
        }
    }
}
