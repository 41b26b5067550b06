/* What the CPU executor and a mirror (cpu_fallback/<family>.c) agree on.  CPU only.
 *
 * A step is cut into tiles.  The mirror's `plan` function chooses the cut for this machine (it may
 * use the cache sizes, the thread count and the instruction set, and it must not change a bit of
 * any result); the executor then calls `run` once for every tile, in any order, on any thread.
 */
#ifndef DC_SHARED_MIRROR_H
#define DC_SHARED_MIRROR_H

#include "kernels/shared/base.h"

/* The machine as a mirror may know it. */
typedef struct dc_machine {
    dc_i64 l1d_bytes, l2_bytes, l3_bytes; /* one instance each; never 0                      */
    dc_i32 threads;                       /* threads that will run the tiles, >= 1            */
    dc_i32 lanes_bytes;                   /* bytes of one vector register of the chosen ISA   */
} dc_machine;

/* How a step is cut.  `part` is the mirror's own. */
typedef struct dc_tiling {
    dc_i64 tiles;         /* number of calls to run; 0: nothing to do                        */
    dc_i64 scratch_bytes; /* per thread, 64-byte aligned, contents undefined                 */
    dc_i64 work;          /* estimated nanoseconds of the whole step on one thread: the executor
                             starts no threads below some 100 us                              */
    dc_i64 part[8];
} dc_tiling;

/* `operand[i]` is the address of the first byte of operand i as the plan lists it (inputs, then
 * outputs, then constant tables); inputs may be misaligned to any byte. */
typedef void (*dc_mirror_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling);
typedef void (*dc_mirror_run)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch);

typedef struct dc_mirror {
    dc_mirror_plan plan;
    dc_mirror_run run;
} dc_mirror;

#endif
