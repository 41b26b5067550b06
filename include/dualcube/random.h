/* Random numbers that are a function of seed and place alone. */
#ifndef DUALCUBE_RANDOM_H
#define DUALCUBE_RANDOM_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_random().  Begin with DC_RANDOM_PARAMS_INIT.
 *
 * What belongs to the other kind is ignored.  low, high, mean and std are rounded to the dtype of
 * dst and must be finite there. */
typedef struct dc_random_params {
    uint32_t struct_size;
    int32_t kind;     /* DC_RANDOM_UNIFORM, DC_RANDOM_NORMAL; no default                          */
    dc_array dst;     /* output, 1 ... 8 axes, float32 or float64; only shape and dtype show in
                         the numbers                                                              */
    uint64_t seed;    /* names the sequence; default 0                                            */
    int64_t offset;   /* place of dst's first element in the sequence, >= 0; default 0.  offset +
                         elements of dst: at most 2^63 - 1                                        */
    double low, high; /* UNIFORM: low <= x < high (x = low where they are equal), high - low
                         finite in the dtype; defaults 0, 1                                       */
    double mean, std; /* NORMAL: std >= 0, |mean| + 16 std finite in the dtype; defaults 0, 1    */
} dc_random_params;

#define DC_RANDOM_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(dc_random_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0}, 0, 0, 0.0, 1.0, 0.0, 1.0    \
    }

/**
 * Fill dst with independent random numbers.
 *
 * Element i of dst in row-major order is number offset + i of the sequence that (seed, kind, dtype)
 * names, whatever the shape, strides, device and threads: parts of a sequence made by several calls
 * are the whole.  Generator: Philox4x32-10.  float32 has 24 random bits (UNIFORM) or 32 + 32
 * (NORMAL, |x| <= 6.7 std), float64 has 53 or 52 + 54 (|x| <= 8.6 std).  Normal numbers are those
 * of Box and Muller, within 3.5 ulp of the exact map (mean 0, std 1; float64 within 1 ulp).
 *
 * Not for secrets: seed and place can be found from a few numbers.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty dst: nothing
 * happens.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_random(dc_queue *queue, const dc_random_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif
