// A relay on uWebSockets' pub/sub: each message is published to all who have subscribed, but for its sender.
//
//     UWEBSOCKETS: a checkout of github.com/uNetworking/uWebSockets with its submodule uSockets
//     cc -O3 -DLIBUS_NO_SSL -I$UWEBSOCKETS/uSockets/src -c $UWEBSOCKETS/uSockets/src/{*.c,*/*.c}
//     c++ -O3 -std=c++20 -DUWS_NO_ZLIB -DLIBUS_NO_SSL -I$UWEBSOCKETS/src -I$UWEBSOCKETS/uSockets/src uwebsockets_relay.cpp *.o
//     uwebsockets_relay PORT

#include <App.h>

#include <cstdio>
#include <cstdlib>

struct Nothing {};

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int port = atoi(argv[1]);
    uWS::App()
        .ws<Nothing>("/ws", {
            .maxPayloadLength = 64 << 10,
            // Nobody is closed or left out because it reads too slowly.
            .maxBackpressure = 0,
            .open = [](auto *socket) { socket->subscribe("r"); },
            .message = [](auto *socket, std::string_view message, uWS::OpCode kind) { socket->publish("r", message, kind); },
        })
        .listen("127.0.0.1", port, [](auto *listening) { if (!listening) exit(1); })
        .run();
}
