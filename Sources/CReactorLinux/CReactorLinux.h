// The Linux interfaces that Swift's Glibc module leaves out. Declarations only, no logic.

#ifndef CLINUX_H
#define CLINUX_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

// glibc declares these under _GNU_SOURCE alone. Defining that here, or including a header that the Glibc module has already
// compiled without it, would give what they declare a second, conflicting meaning.
struct sockaddr;
int accept4(int descriptor, struct sockaddr *_Nullable address, unsigned int *_Nullable length, int flags);
int memfd_create(const char *_Nonnull name, unsigned int flags);
int wcwidth(int character);
int pthread_setname_np(unsigned long thread, const char *_Nonnull name);
int sched_getaffinity(int thread, unsigned long size, void *_Nonnull set);
int sched_setaffinity(int thread, unsigned long size, const void *_Nonnull set);

enum { MFD_CLOEXEC = 1 };

#endif
