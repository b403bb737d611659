// The asynchronous part of hiredis.

#ifndef CHIREDIS_H
#define CHIREDIS_H

#include <hiredis/async.h>

#endif
