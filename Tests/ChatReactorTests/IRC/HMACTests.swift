import Testing

@testable import ChatReactor

/// The code is that of RFC 2202.
struct HMACTests {
    @Test(
        arguments: [
            (bytes(0x0B, 20), Array("Hi There".utf8), "b617318655057264e28bc0b6fb378c8ef146be00"),
            (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (bytes(0xAA, 20), bytes(0xDD, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
            (Array(1...25), bytes(0xCD, 50), "4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
            (bytes(0x0C, 20), Array("Test With Truncation".utf8), "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"),
            (
                bytes(0xAA, 80), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "aa4ae5e15272d00e95705637ce8a3b55ed402112"
            ),
            (
                bytes(0xAA, 80), Array("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data".utf8),
                "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"
            ),
        ])
    func vectors(_ key: [UInt8], _ message: [UInt8], _ code: String) {
        #expect(HMACTests.hexadecimal(HMAC(key: key).code(of: message)) == code)
    }

    /// No key, and those that are about as long as a block.
    @Test(
        arguments: [
            (0, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"), (63, "78d4ecb32c3c63471b64d7272fd244f92268977c"),
            (64, "5208ac0d31c0a0eb3efc690c81668f442bd0b305"), (65, "0b8203056faf395c8f8e54501d5668bd7a910951"),
        ])
    func lengths(_ count: Int, _ code: String) {
        #expect(HMACTests.hexadecimal(HMAC(key: HMACTests.bytes(0xAA, count)).code(of: [])) == code)
    }

    private static func hexadecimal(_ code: [UInt8]) -> String {
        code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func bytes(_ byte: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: byte, count: count) }
}
