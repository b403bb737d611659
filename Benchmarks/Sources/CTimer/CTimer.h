// The Linux interface to timers that are descriptors, which Swift's Glibc module leaves out. Declarations only, no logic.

#ifndef CTIMER_H
#define CTIMER_H

#include <sys/timerfd.h>

#endif
