/// Each line goes back to where it came from: with a task for each connection.
func serveAsyncEcho(onPort port: Int) async throws {
    try await serve(onPort: port) { lines, writer in
        for try await line in lines { try await writer.write(line) }
    }
}
