// A relay on libevent, as its documentation suggests: a bufferevent a client, and each line written to every other one.
//
//     cc -O2 libevent_relay.c -levent -levent_core -o libevent_relay
//     libevent_relay PORT

#include <arpa/inet.h>
#include <err.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { longest_line = 64 << 10 };

typedef struct Client {
    struct bufferevent *events;
    LIST_ENTRY(Client) link;
} Client;

static LIST_HEAD(, Client) clients = LIST_HEAD_INITIALIZER(clients);

static void drop(Client *client) {
    LIST_REMOVE(client, link);
    bufferevent_free(client->events);
    free(client);
}

static void on_read(struct bufferevent *events, void *context) {
    struct evbuffer *input = bufferevent_get_input(events);
    Client *sender = context, *other;
    size_t length;
    char *line;
    while ((line = evbuffer_readln(input, &length, EVBUFFER_EOL_LF)) != NULL) {
        line[length] = '\n'; // takes the place of the terminating zero
        LIST_FOREACH(other, &clients, link)
            if (other != sender) bufferevent_write(other->events, line, length + 1);
        free(line);
    }
    if (evbuffer_get_length(input) > longest_line) drop(sender);
}

static void on_event(struct bufferevent *events, short what, void *client) {
    (void)events;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) drop(client);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int size, void *base) {
    (void)listener, (void)from, (void)size;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    Client *client = malloc(sizeof *client);
    if (client == NULL || (client->events = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE)) == NULL)
        err(1, "client");
    LIST_INSERT_HEAD(&clients, client, link);
    bufferevent_setcb(client->events, on_read, NULL, on_event, client);
    bufferevent_enable(client->events, EV_READ | EV_WRITE);
}

int main(int argc, char **argv) {
    if (argc != 2) errx(2, "usage: libevent_relay PORT");
    signal(SIGPIPE, SIG_IGN);
    struct event_base *base = event_base_new();
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (base == NULL
        || evconnlistener_new_bind(base, on_accept, base, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE, 4096,
                                   (struct sockaddr *)&address, sizeof address) == NULL)
        err(1, "port %s", argv[1]);
    fprintf(stderr, "listening on %s\n", argv[1]);
    return event_base_dispatch(base);
}
