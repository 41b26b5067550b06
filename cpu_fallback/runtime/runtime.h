/* Private parts of the CPU executor. */
#ifndef DC_CPU_RUNTIME_H
#define DC_CPU_RUNTIME_H

#include "host/core/backend.h"

typedef struct dc_cpu_device {
    dc_context *context;
} dc_cpu_device;

/* Memory private to one thread of a queue's team; grows, kept between calls. */
typedef struct dc_cpu_scratch {
    void *memory;
    size_t bytes;
} dc_cpu_scratch;

enum { DC_CPU_FFTS = 4 }; /* plans of FFT steps that a queue keeps */

typedef struct dc_cpu_queue {
    dc_context *context;
    int32_t threads, isa;
    dc_machine machine;
    dc_cpu_scratch *scratch; /* one per thread */
    struct dc_fft_plan *fft[DC_CPU_FFTS];
    int32_t fft_next; /* the one that goes first */
} dc_cpu_queue;

/* Run all tiles of a step on the queue's threads. */
typedef struct dc_cpu_loop {
    const dc_mirror *mirror;
    void *const *operand;
    const void *args;
    const dc_tiling *tiling;
    dc_progress_fn progress;
    void *progress_user;
    int64_t done, total; /* progress of the call: units before this step, units of all steps */
    int64_t units;       /* units of this step                                               */
    int32_t threads;     /* out: threads used                                                */
} dc_cpu_loop;
dc_status dc__cpu_loop(dc_cpu_queue *queue, dc_cpu_loop *loop);

/* At least `bytes` of scratch for each of the first `threads` threads. */
dc_status dc__cpu_scratch(dc_cpu_queue *queue, int32_t threads, size_t bytes);

/* Steps that call a library.  Rows and sizes as in host/core/plan.h. */
dc_status dc__cpu_fft(dc_cpu_queue *queue, const dc_step *step, const void *in, void *out);
/* Give up the plans kept. */
void dc__cpu_fft_forget(dc_cpu_queue *queue);
dc_status dc__cpu_gemm(dc_cpu_queue *queue, const dc_step *step, const void *a, const void *b,
                       void *c);

/* The mirror of a row for an instruction set; NULL: there is none. */
const dc_mirror *dc__cpu_mirror(const dc_op *op, int32_t dtype, int32_t isa);

#endif
