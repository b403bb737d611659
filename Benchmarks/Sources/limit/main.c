// The limit program: the relay's algorithm in the least C that does the job. What it delivers is what the kernel allows
// on the machine at hand, so every other relay is reported as a share of it.
//
// Every complete line that one peer sends reaches every other peer. All lines stand once, in one ring; a peer is a
// cursor into it. Reading appends; at the end of the turn each peer gets what it lacks in one send.
//
//     limit PORT | unix:PATH

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ring_size = 1 << 20,
    turn_limit = ring_size / 4, // ingested before everybody is flushed
    high_mark = ring_size / 2,  // a peer that lags further stops all reading; a turn on top of it still fits the ring
    low_mark = ring_size / 4,   // and reading goes on from here, so that a pause is not one line long
    read_size = 64 << 10,       // one read, and the longest line
    accept_limit = 256, event_limit = 512, most_descriptors = 1 << 20,
};

typedef struct {
    uint64_t cursor;         // everything before it has been sent to this peer
    uint64_t own, own_end;   // its newest lines in the log, which it is not sent
    char *kept;              // the unfinished line at the end of its last read, only while there is one
    uint32_t kept_size;
    uint32_t watched;        // what epoll watches: EPOLLIN, EPOLLOUT, or nothing
    int fd;
    bool full;               // the last send fell short and the socket has not turned writable since
    bool is_doomed;
} Peer;

static int poller, listener;
static bool deaf;            // the listener is not watched: no descriptor was left
static bool paused;          // nobody is read: the slowest peer lags too far
static char *ring;           // mapped twice back to back, so that every range of it is contiguous
static uint64_t log_end;     // positions in the log are absolute and never wrap
static uint64_t flushed_end; // where the log ended at the last flush
static char input[read_size];

// As long as there can be descriptors; only the pages in use cost memory.
static Peer peers[most_descriptors]; // dense: the flush walks it
static uint32_t peer_count;
static uint32_t index_of[most_descriptors]; // by descriptor
static int doomed[most_descriptors];        // descriptors to close at the end of the turn
static uint32_t doomed_count;

static void doom(Peer *peer) {
    if (peer->is_doomed) return;
    peer->is_doomed = true;
    doomed[doomed_count++] = peer->fd;
}

static void watch(Peer *peer, uint32_t events) {
    if (peer->watched == events) return;
    int operation = peer->watched == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    peer->watched = events;
    struct epoll_event event = {.events = events, .data.fd = peer->fd};
    if (epoll_ctl(poller, operation, peer->fd, &event) != 0) doom(peer);
}

static void watch_listener(bool on) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener, &event);
    deaf = !on;
}

static void accept_peers(void) {
    for (int budget = accept_limit; budget > 0; budget--) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            // Without a descriptor the listener stays readable: it is left alone until a peer goes.
            if (errno != EAGAIN && errno != ECONNABORTED) watch_listener(false);
            return;
        }
        index_of[fd] = peer_count;
        Peer *peer = &peers[peer_count++];
        *peer = (Peer){.fd = fd, .cursor = log_end};
        watch(peer, EPOLLIN);
    }
}

// Only the last newline matters: what is before it are whole lines, appended in one piece. A peer is read at most once
// between two flushes and only while it lacks nothing, so one span is all that it can have to skip.
static void read_peer(Peer *peer) {
    size_t kept = peer->kept_size;
    ssize_t count = recv(peer->fd, input + kept, read_size - kept, 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) doom(peer);
        return;
    }
    char *newline = memrchr(input + kept, '\n', count);
    if (kept != 0) {
        memcpy(input, peer->kept, kept);
        free(peer->kept);
        peer->kept_size = 0;
    }
    size_t whole = newline != NULL ? newline + 1 - input : 0;
    size_t rest = kept + count - whole;
    if (whole != 0) {
        memcpy(ring + log_end % ring_size, input, whole);
        peer->own = log_end;
        peer->own_end = log_end += whole;
    }
    if (rest == read_size || (rest != 0 && (peer->kept = malloc(rest)) == NULL)) {
        doom(peer);
    } else if (rest != 0) {
        memcpy(peer->kept, input + whole, rest);
        peer->kept_size = rest;
    }
}

// One send, or two pieces where the peer's own lines cut what it lacks.
static void send_lacking(Peer *peer) {
    if (peer->cursor == peer->own) peer->cursor = peer->own_end;
    bool cut = peer->cursor < peer->own;
    size_t before = (cut ? peer->own : log_end) - peer->cursor;
    size_t after = cut ? log_end - peer->own_end : 0;
    if (before == 0) return;
    char *start = ring + peer->cursor % ring_size;
    ssize_t sent;
    if (after == 0) {
        sent = send(peer->fd, start, before, MSG_NOSIGNAL);
    } else {
        struct iovec parts[] = {{start, before}, {ring + peer->own_end % ring_size, after}};
        sent = sendmsg(peer->fd, &(struct msghdr){.msg_iov = parts, .msg_iovlen = 2}, MSG_NOSIGNAL);
    }
    if (sent < 0 && errno != EAGAIN) {
        doom(peer);
        return;
    }
    if (sent > 0) peer->cursor += sent;
    if (cut && peer->cursor >= peer->own) peer->cursor += peer->own_end - peer->own;
    // A peer that does not keep up is not read until it does. One that nobody reads for now stays unwatched.
    peer->full = sent < (ssize_t)(before + after);
    if (peer->full) watch(peer, EPOLLOUT);
    else if (peer->watched == EPOLLOUT) watch(peer, EPOLLIN);
}

static void flush(void) {
    uint64_t slowest = log_end;
    for (Peer *peer = peers; peer < peers + peer_count; peer++) {
        if (!peer->full) send_lacking(peer);
        if (peer->cursor < slowest && !peer->is_doomed) slowest = peer->cursor;
    }
    flushed_end = log_end;
    bool was_paused = paused;
    paused = log_end - slowest > (was_paused ? low_mark : high_mark);
    if (!was_paused || paused) return;
    for (Peer *peer = peers; peer < peers + peer_count; peer++)
        if (peer->watched == 0) watch(peer, EPOLLIN);
}

// Closed only now, so that no descriptor is taken again while events of the same batch may still name it.
static void reap(void) {
    while (doomed_count > 0) {
        int fd = doomed[--doomed_count];
        Peer *peer = &peers[index_of[fd]];
        watch(peer, 0);
        close(fd);
        if (peer->kept_size != 0) free(peer->kept);
        *peer = peers[--peer_count];
        index_of[peer->fd] = peer - peers;
        if (deaf) watch_listener(true);
    }
}

static void run(void) {
    struct epoll_event events[event_limit];
    for (;;) {
        int count = epoll_wait(poller, events, event_limit, -1);
        bool writable = false;
        for (int i = 0; i < count; i++) {
            Peer *peer = &peers[index_of[events[i].data.fd]];
            if (events[i].data.fd == listener) {
                accept_peers();
            } else if (peer->watched == EPOLLOUT) {
                peer->full = false;
                writable = true;
            } else {
                // A turn may not outgrow its share of the ring: what there is goes out before the batch goes on.
                if (log_end - flushed_end > turn_limit - read_size) flush();
                if (peer->full) continue;   // that very flush fell short with this peer
                if (paused) watch(peer, 0); // a hang-up cannot be masked, so it is not watched at all
                else read_peer(peer);
            }
        }
        if (log_end != flushed_end || writable) flush();
        reap();
    }
}

static void listen_at(const char *place) {
    // Accepted sockets inherit these from the listener: set once, they cost no system call a connection.
    static const int options[][3] = {
        {SOL_SOCKET, SO_REUSEADDR, 1},    {IPPROTO_TCP, TCP_NODELAY, 1},   {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 128 << 10},
        {SOL_SOCKET, SO_KEEPALIVE, 1},    {IPPROTO_TCP, TCP_KEEPIDLE, 60}, {IPPROTO_TCP, TCP_KEEPINTVL, 15},
        {IPPROTO_TCP, TCP_KEEPCNT, 4},
    };
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    bool is_path = strncmp(place, "unix:", 5) == 0;
    if (is_path) strncpy(path.sun_path, place + 5, sizeof path.sun_path - 1);
    else port.sin_port = htons(atoi(place));

    listener = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < sizeof options / sizeof *options && !is_path; i++)
        if (setsockopt(listener, options[i][0], options[i][1], &options[i][2], sizeof(int)) != 0) err(1, "setsockopt");
    const void *address = is_path ? (void *)&path : (void *)&port;
    if (bind(listener, address, is_path ? sizeof path : sizeof port) != 0 || listen(listener, 4096) != 0)
        err(1, "%s", place);
}

static void map_ring(void) {
    int fd = memfd_create("ring", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, ring_size) != 0) err(1, "memfd_create");
    ring = mmap(NULL, 2 * ring_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED) err(1, "mmap");
    const int access = PROT_READ | PROT_WRITE, how = MAP_SHARED | MAP_FIXED;
    for (char *half = ring; half < ring + 2 * ring_size; half += ring_size)
        if (mmap(half, ring_size, access, how, fd, 0) == MAP_FAILED) err(1, "mmap");
    close(fd);
}

int main(int argc, char **argv) {
    if (argc != 2) errx(2, "usage: limit PORT | unix:PATH");
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < most_descriptors ? limit.rlim_max : most_descriptors;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) err(1, "setrlimit");
    map_ring();
    listen_at(argv[1]);
    if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) err(1, "epoll_create1");
    watch_listener(true);
    fprintf(stderr, "listening on %s\n", argv[1]);
    run();
}
