#include "KernelFaults.h"
