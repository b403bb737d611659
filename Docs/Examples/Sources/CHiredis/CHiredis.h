#ifndef CHIREDIS_H
#define CHIREDIS_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#endif
