// The Linux interfaces that Swift's Glibc module leaves out. Declarations only, no logic.

#ifndef CLINUX_H
#define CLINUX_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

// glibc declares these two under _GNU_SOURCE alone. Defining that here would give headers which the Glibc module has already
// compiled without it a second, conflicting meaning.
int accept4(int descriptor, struct sockaddr *_Nullable address, socklen_t *_Nullable length, int flags);
int memfd_create(const char *_Nonnull name, unsigned int flags);

enum { MFD_CLOEXEC = 1 };

#endif
