/* Queues, buffers, events, progress, pools, trace: where calls run and what they cost. */
#ifndef DUALCUBE_QUEUE_H
#define DUALCUBE_QUEUE_H

#include "dualcube/base.h"
#include "dualcube/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where an automatic queue may run a call. */
enum {
    DC_POLICY_AUTO = 0,          /* the cheaper by the cost model; a failed device falls back     */
    DC_POLICY_CPU = 1,           /* the CPU only                                                  */
    DC_POLICY_DEVICE = 2,        /* a device where it can, else the CPU, said in the record       */
    DC_POLICY_DEVICE_OR_FAIL = 3 /* a device, or an error                                         */
};

/**
 * Progress of a long call.
 * @param done, total  units of work (tiles), done <= total
 * @return 0 to go on; anything else cancels: the call returns DC_E_CANCELLED.
 * Called on the thread that made the call, at most some 20 times a second.
 */
typedef int (*dc_progress_fn)(int64_t done, int64_t total, void *user);

/** Log line for a host's logger: level 0 error, 1 warning, 2 info, 3 debug. */
typedef void (*dc_log_fn)(int32_t level, const char *text, void *user);

/** Options of a queue.  Begin with DC_QUEUE_PARAMS_INIT. */
typedef struct dc_queue_params {
    uint32_t struct_size;
    int32_t policy;  /* DC_POLICY_*; default: DUALCUBE_FALLBACK / DUALCUBE_DEVICE, else auto */
    int32_t threads; /* CPU threads, 0: DUALCUBE_THREADS, else the machine's                 */
    int32_t isa;     /* DC_ISA_*, -1: DUALCUBE_CPU_ISA, else the best                        */
    dc_progress_fn progress; /* or NULL */
    void *progress_user;
} dc_queue_params;
#define DC_QUEUE_PARAMS_INIT                                                                       \
    {                                                                                              \
        sizeof(dc_queue_params), -1, 0, -1, NULL, NULL                                             \
    }

/**
 * Open a queue on `device`; NULL: an automatic queue that chooses between the CPU and the first
 * usable OpenCL device for every call.
 * @threads the queue: one thread at a time.  @since 0.1
 */
DC_API dc_status dc_queue_new(dc_context *context, dc_device *device, const dc_queue_params *params,
                              dc_queue **out);

/** Finish and close.  NULL is fine. */
DC_API void dc_queue_free(dc_queue *queue);

/** Block until all calls are complete; returns the first failure among them.  @since 0.1 */
DC_API dc_status dc_queue_finish(dc_queue *queue);

/** Change the progress callback (NULL: none).  @since 0.1 */
DC_API dc_status dc_queue_set_progress(dc_queue *queue, dc_progress_fn progress, void *user);

/** Where the last call ran, why, and what it cost. */
typedef struct dc_run_info {
    uint32_t struct_size; /* set by the caller                                         */
    int32_t device_kind;  /* DC_DEVICE_*                                               */
    int32_t isa;          /* CPU: DC_ISA_*, else -1                                    */
    int32_t threads;      /* CPU: threads used                                         */
    int32_t fell_back;    /* 1: a device failed or declined and the CPU computed       */
    int32_t steps;        /* steps of the plan                                         */
    double estimated_cpu_ms, estimated_device_ms; /* cost model; < 0: not a candidate       */
    double measured_ms;  /* host time of the call; device calls: after the event      */
    double bytes, flops; /* of the plan                                               */
    int64_t host_bytes_in, host_bytes_out; /* copied between host and device for this call  */
    char operation[64];
    char device[32];  /* "cpu", "opencl:0"                                         */
    char reason[256]; /* one sentence                                              */
} dc_run_info;
DC_API dc_status dc_queue_last_run(dc_queue *queue, dc_run_info *info);

/* ---- events ------------------------------------------------------------------------------- */

/** Block until the call is complete; its status (DC_E_DEVICE for a failure found late). */
DC_API dc_status dc_event_wait(dc_event *event);
/** Release; does not wait.  NULL is fine. */
DC_API void dc_event_free(dc_event *event);

/* ---- buffers ------------------------------------------------------------------------------ */

/**
 * `bytes` of the queue's device memory (64-byte aligned host memory on the CPU), from a pool,
 * contents undefined.  0 bytes is valid.
 * On an automatic queue the memory is where the policy would run: the device when there is one.
 */
DC_API dc_status dc_buffer_new(dc_queue *queue, size_t bytes, dc_buffer **out);
/** Wrap a host's cl_mem (retained) on a queue made by dc_context_from_cl(). */
struct _cl_mem;
DC_API dc_status dc_buffer_from_cl(dc_queue *queue, struct _cl_mem *mem, dc_buffer **out);
/** Return to the pool once its calls are done.  NULL is fine. */
DC_API void dc_buffer_free(dc_buffer *buffer);
DC_API size_t dc_buffer_bytes(const dc_buffer *buffer);
/** Copy between host memory and a buffer; blocks, and first waits for the calls queued before.
 * Offsets and lengths in bytes; out of range is DC_E_ARGUMENT and copies nothing. */
DC_API dc_status dc_buffer_write(dc_queue *queue, dc_buffer *dst, size_t offset, const void *src,
                                 size_t bytes);
DC_API dc_status dc_buffer_read(dc_queue *queue, const dc_buffer *src, size_t offset, void *dst,
                                size_t bytes);
/** Host address of a CPU buffer, NULL for device memory. */
DC_API void *dc_buffer_host(dc_buffer *buffer);

/* ---- pools, counters, trace --------------------------------------------------------------- */

enum { DC_POOL_HOST = 0, DC_POOL_PINNED = 1, DC_POOL_DEVICE = 2, DC_POOL_COUNT = 3 };

typedef struct dc_pool_stats {
    uint32_t struct_size; /* set by the caller                                        */
    int32_t pool;         /* DC_POOL_*                                                */
    int64_t in_use_bytes, cached_bytes, peak_bytes, cap_bytes; /* cap 0: none             */
    int64_t requests, hits, failures;
} dc_pool_stats;
DC_API dc_status dc_pool_get_stats(dc_context *context, int32_t pool, dc_pool_stats *stats);
/** Hard cap on in-use + cached bytes; 0: none.  A request above it is DC_E_MEMORY. */
DC_API dc_status dc_pool_set_cap(dc_context *context, int32_t pool, int64_t bytes);
/** Give cached memory back to the system or driver. */
DC_API dc_status dc_pool_trim(dc_context *context, int32_t pool);
/** Host memory from the host pool, 64-byte aligned, contents undefined; for large outputs. */
DC_API dc_status dc_host_alloc(dc_context *context, size_t bytes, void **out);
DC_API void dc_host_free(dc_context *context, void *memory);

/** Counters of a context since it was opened. */
typedef struct dc_counters {
    uint32_t struct_size; /* set by the caller                                        */
    int32_t programs;     /* programs built or loaded                                 */
    int64_t calls_cpu, calls_device, fallbacks, launches, copies, bytes_to_device, bytes_to_host;
    int64_t cache_hits, cache_misses, cache_rejected; /* program cache on disk            */
} dc_counters;
DC_API dc_status dc_context_get_counters(dc_context *context, dc_counters *counters);

/** Start collecting a trace (calls, steps, copies, builds), written by dc_trace_stop() to `path` as
 * Chrome trace JSON.  DUALCUBE_TRACE=file.json starts one with the context, written when it is
 * freed; DUALCUBE_TRACE=plan sends every plan as text to the log callback. */
DC_API dc_status dc_trace_start(dc_context *context);
DC_API dc_status dc_trace_stop(dc_context *context, const char *path);

/** Route log lines to the host; default silent.  NULL: silent. */
DC_API void dc_context_set_log(dc_context *context, dc_log_fn log, void *user);

#ifdef __cplusplus
}
#endif
#endif
