// Has a system call of an unchanged program fail, or fall short, at a chosen point. For LD_PRELOAD.
//
// What is to happen is said by environment variables:
//
//     FAULT_CALL     Which call, as in `recv`. Some are told apart: `epoll_ctl:ADD`, `epoll_ctl:MOD`, `epoll_ctl:DEL`;
//                    `read:signals` reads a signalfd, and `read` everything else.
//     FAULT_NUMBER   At which of these calls it begins: 1 is the first. 0, the default: at none.
//     FAULT_COUNT    How many calls it strikes; 1 by default, 0 for all from there on.
//     FAULT_ERROR    The errno that the call fails with; getaddrinfo returns it. 0, the default: the call does not fail.
//     FAULT_LENGTH   How many bytes a recv, read, send, sendmsg or writev moves at most. 0, the default: as many as it likes.
//     FAULT_REPORT   The file to which a fault_report is written, continuously, so that it is there however the program ends.
//
// Only calls that are made from the program itself are counted, or from Swift's Glibc module on its behalf: neither those of the
// dynamic linker nor of other libraries. Calls that libc makes of itself are out of reach, since they do not pass through here: the
// sockets of getaddrinfo(3), the memory of malloc(3), the write(2) of eventfd_write(3), which is itself a call here.

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
