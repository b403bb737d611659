// What reads the answers of Redis.

#ifndef CHIREDIS_H
#define CHIREDIS_H

#include <hiredis/hiredis.h>

#endif
