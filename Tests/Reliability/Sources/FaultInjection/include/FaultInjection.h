// Has a system call of an unchanged program fail, or fall short, at a chosen point. For LD_PRELOAD.
//
// Environment variables choose the fault:
//
//     FAULT_CALL     Which call, as in `recv`. Some calls have several names: `epoll_ctl:ADD`, `epoll_ctl:MOD` and `epoll_ctl:DEL`;
//                    `ioctl:TIOCOUTQ` and `ioctl:FIONREAD`; `write:eventfd`, and `write` for everything else.
//     FAULT_NUMBER   At which of these calls it begins: 1 is the first. 0, the default: at none.
//     FAULT_COUNT    How many calls it strikes; 1 by default, 0 for all from there on.
//     FAULT_ERROR    The errno that the call fails with; getaddrinfo returns it. 0, the default: the call does not fail.
//     FAULT_LENGTH   How many bytes a recv, read, send, sendmsg or writev moves at most. 0, the default: as many as it likes.
//     FAULT_REPORT   The file to which a fault_report is written, continuously, so that it is there however the program ends.
//
// Only calls that the program itself makes are counted, or Swift's Glibc module for it: not those of the dynamic linker, and not those
// of other libraries. Calls that libc makes inside itself do not pass through here, and cannot fail: the sockets of getaddrinfo(3), the
// memory of malloc(3), the read(2) and write(2) of eventfd_read(3) and eventfd_write(3), which are calls here themselves.

#ifndef FAULT_INJECTION_H
#define FAULT_INJECTION_H

#include <stdint.h>

typedef struct {
    /// How many calls of FAULT_CALL were made.
    uint64_t calls;
    /// How many of them were made to fail, or moved less than they would have.
    uint64_t strikes;
    /// How many calls of epoll_wait were made, which is how many turns an event loop has made.
    uint64_t turns;
} fault_report;

#endif
