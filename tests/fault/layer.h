/* Doors of the fault-injection layer: the test finds them in the object that the OpenCL loader has
 * loaded (OPENCL_LAYERS). */
#ifndef DCT_FAULT_LAYER_H
#define DCT_FAULT_LAYER_H

#include <stdint.h>

enum {
    DCT_LIVE_CONTEXTS = 0,
    DCT_LIVE_QUEUES,
    DCT_LIVE_BUFFERS,
    DCT_LIVE_PROGRAMS,
    DCT_LIVE_KERNELS,
    DCT_LIVE_EVENTS,
    DCT_LIVE_COUNT
};

/* The nth call from now on (1: the next) fails with `code`; 0: none.  With `late`, a question for
 * the status of a command is answered with `code` instead of being refused.  Resets the counts. */
typedef void (*dct_fault_arm_fn)(int64_t nth, int32_t code, int32_t late);
/* Calls seen since then; name of the call that was made to fail, "" when none was. */
typedef int64_t (*dct_fault_calls_fn)(void);
typedef const char *(*dct_fault_hit_fn)(void);
/* Objects of a kind that were made and not released, over the whole process. */
typedef int64_t (*dct_fault_live_fn)(int32_t kind);

#endif
