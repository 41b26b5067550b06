/* The mirrors of one family for one dtype and one instruction set: the only symbol that an object
 * built from isa.c exports. */
#ifndef DC_CPU_TABLE_H
#define DC_CPU_TABLE_H

#include "kernels/shared/mirror.h"

typedef struct dc_cpu_row {
    dc_i32 id; /* operation; 0 ends the list */
    dc_mirror mirror;
} dc_cpu_row;

#endif
