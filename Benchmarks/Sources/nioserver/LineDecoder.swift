import NIOCore

/// Cuts the stream into lines. Each keeps its newline, so that it can be sent on as it came.
struct LineDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    static func handler() -> ByteToMessageHandler<LineDecoder> {
        ByteToMessageHandler(LineDecoder(), maximumBufferSize: 64 << 10)
    }

    /// Bytes already searched. They hold no newline.
    private var searched = 0

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) -> DecodingState {
        let view = buffer.readableBytesView.dropFirst(searched)
        guard let newline = view.firstIndex(of: UInt8(ascii: "\n")),
            let line = buffer.readSlice(length: newline + 1 - buffer.readerIndex)
        else {
            searched = buffer.readableBytes
            return .needMoreData
        }
        searched = 0
        context.fireChannelRead(Self.wrapInboundOut(line))
        return .continue
    }
}
