import ReactorWeb

/// Whatever lines are, a reader of requests takes them for a request that is well-formed, or refuses them; and it goes on after either.
enum HTTPTarget {
    private static let statuses: Set = [400, 405, 413, 414, 431, 501, 505]

    static func run(_ bytes: [UInt8]) {
        var reader = HTTPRequestReader()
        var length = 0
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            let line = line.last == 13 ? line.dropLast() : line
            length += line.count + 2
            do throws(HTTPRequestReader.Refusal) {
                guard let request = try reader.receive(Array(line).span) else {
                    guard length <= HTTPRequestReader.maximumLength else {
                        fatalError("\(length) bytes are no head, and not refused")
                    }
                    continue
                }
                check(request)
            } catch {
                guard statuses.contains(error.status.code) else { fatalError("\(bytes) is refused with \(error.status)") }
            }
            if reader.hasBegun { fatalError("the reader goes on after the end of a head") }
            length = 0
        }
    }

    private static func check(_ request: HTTPRequest) {
        guard request.target.hasPrefix("/"), request.path.hasPrefix("/"), request.target.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { fatalError("\(request.target) is no target") }
        guard request.fields.count <= HTTPRequestReader.maximumFieldCount, request.values(of: "host").count <= 1,
            request.values(of: "transfer-encoding").isEmpty,
            request.values(of: "content-length").allSatisfy({ $0.utf8.allSatisfy { $0 == UInt8(ascii: "0") } })
        else { fatalError("\(request.fields) are not the fields of a request without content") }
        for field in request.fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") }),
                field.value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 })
            else { fatalError("\(field) is no field") }
        }
    }
}
