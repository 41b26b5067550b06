/* What an executor must offer.  Two exist: cpu_fallback/runtime (linked in) and host/opencl (a
 * module, libdualcube-opencl.so, loaded on demand).  A third must not need a change elsewhere.
 */
#ifndef DC_CORE_BACKEND_H
#define DC_CORE_BACKEND_H

#include "dualcube/queue.h"
#include "host/core/plan.h"
#include "host/core/pool.h"
#include "host/core/registry.h"
#include "host/core/trace.h"

enum { DC_BACKEND_ABI = 1 };

/* Options of an executor's queue. */
typedef struct dc_exec_params {
    int32_t threads, isa;  /* CPU; resolved, never "default" */
    const char *cache_dir; /* device program cache, "" : off */
} dc_exec_params;

/* How a call is run. */
typedef struct dc_exec_call {
    const dc_plan *plan;
    dc_progress_fn progress; /* or NULL */
    void *progress_user;
    dc_run_info *info;  /* the executor fills threads, isa, measured_ms, host_bytes_*      */
    int32_t want_event; /* 1: an `event` is wanted even when the work is already complete   */
} dc_exec_call;

typedef struct dc_backend {
    int32_t abi; /* DC_BACKEND_ABI */
    const char *name;

    /* Devices.  `probe` lists what is there, broken drivers with `error` set; it may crash or hang
     * and therefore runs in the probe helper only.  `open` opens the device that `info` describes
     * in this process. */
    dc_status (*probe)(dc_device_info *list, int32_t room, int32_t *count);
    dc_status (*open)(dc_context *context, const dc_device_info *info, void **device);
    dc_status (*open_native)(dc_context *context, void *native_context, void *native_queue,
                             dc_device_info *info, void **device);
    void (*close)(void *device);
    dc_status (*check)(void *device, dc_device_info *info); /* fills checks, exact */

    /* In-order queues of a device. */
    dc_status (*queue_new)(void *device, const dc_exec_params *params, void **queue);
    void (*queue_free)(void *queue);
    dc_status (*finish)(void *queue);

    /* Can this plan run here?  DC_OK, or DC_E_UNSUPPORTED with the reason.  Runs nothing. */
    dc_status (*supports)(void *device, const dc_plan *plan);
    /* Run it.  On failure nothing visible has been written.  With outputs in host memory the call
     * returns when they are complete; with device outputs it may return earlier and *event (when
     * want_event) completes later. */
    dc_status (*run)(void *queue, const dc_exec_call *call, void **event);
    dc_status (*event_wait)(void *event);
    void (*event_free)(void *event);

    /* Device memory, pooled. */
    dc_status (*memory_new)(void *device, size_t bytes, void **memory);
    dc_status (*memory_wrap)(void *device, void *native, size_t *bytes, void **memory);
    void (*memory_free)(void *device, void *memory);
    dc_status (*memory_write)(void *queue, void *memory, size_t offset, const void *src, size_t n);
    dc_status (*memory_read)(void *queue, void *memory, size_t offset, void *dst, size_t n);
    void *(*memory_host)(void *memory); /* host address, NULL: none */
    /* Pools of the device (DC_POOL_PINNED, DC_POOL_DEVICE); NULL where there is none. */
    dc_pool *(*pool)(void *device, int32_t which);
} dc_backend;

/* The CPU executor. */
extern const dc_backend dc__backend_cpu;

/* Entry point of a module: `const dc_backend *dc_module_backend(void)`. */
typedef const dc_backend *(*dc_module_fn)(void);
#define DC_MODULE_SYMBOL "dc_module_backend"

/* A dc_buffer as executors see it: `memory` belongs to `device` of `backend`. */
struct dc_buffer {
    dc_context *context;
    const dc_backend *backend;
    void *device; /* the backend's device */
    void *memory;
    size_t bytes;
    int64_t references; /* atomic: the caller's and one per call in flight */
};

/* Byte address of element 0 of a host-resident or CPU-buffer array, NULL for device memory. */
DC_MODULE void *dc__array_host_address(const dc_array *array);

/* Keep a buffer alive while a call that uses it is in flight. */
DC_MODULE void dc__buffer_retain(dc_buffer *buffer);
DC_MODULE void dc__buffer_release(dc_buffer *buffer);

/* Counters of a context, updated with atomic additions. */
typedef struct dc_counter_cells {
    int64_t programs, calls_cpu, calls_device, fallbacks, launches, copies, bytes_to_device,
        bytes_to_host, cache_hits, cache_misses, cache_rejected;
} dc_counter_cells;
DC_MODULE dc_counter_cells *dc__context_counters(dc_context *context);
#define DC_COUNT(context, field, n)                                                                \
    ((void)__atomic_fetch_add(&dc__context_counters(context)->field, (int64_t)(n),                 \
                              __ATOMIC_RELAXED))

DC_MODULE dc_trace *dc__context_trace(dc_context *context);
DC_MODULE const char *dc__context_cache_dir(dc_context *context); /* "" : off */
DC_MODULE void dc__log(dc_context *context, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 1 in a child made by fork() after the context was opened. */
DC_MODULE int dc__context_forked(const dc_context *context);

#endif
