/* Contexts, devices, topology: what is here, where it hangs, what it can do. */
#ifndef DUALCUBE_DEVICE_H
#define DUALCUBE_DEVICE_H

#include "dualcube/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DC_DEVICE_CPU = 0, DC_DEVICE_OPENCL = 1 };

/** Instruction sets of the CPU mirror, worst first. */
enum { DC_ISA_BASELINE = 0, DC_ISA_AVX2 = 1, DC_ISA_AVX512 = 2, DC_ISA_COUNT = 3 };

/** Options of a context.  Begin with DC_CONTEXT_PARAMS_INIT. */
typedef struct dc_context_params {
    uint32_t struct_size;
    int32_t probe_timeout_ms;  /* limit of the driver probe, default 10000                      */
    const char *cache_dir;     /* program cache; NULL: DUALCUBE_CACHE_DIR, else XDG, "": off    */
    const char *opencl_module; /* path of the OpenCL module; NULL: beside the library; "": none */
} dc_context_params;
#define DC_CONTEXT_PARAMS_INIT                                                                     \
    {                                                                                              \
        sizeof(dc_context_params), 10000, NULL, NULL                                               \
    }

/**
 * Open a context.  Starts no driver: OpenCL is probed when a device list is first asked for or when
 * the router first considers a device.
 * @param params  NULL for the defaults.
 * @threads any.  @since 0.1
 */
DC_API dc_status dc_context_new(const dc_context_params *params, dc_context **out);

/** Close a context; queues and buffers made from it must be freed first.  NULL is fine. */
DC_API void dc_context_free(dc_context *context);

/** Directory of the program cache on disk, whether or not it exists yet; "" when the cache is off
 * (or `context` is NULL).  Owned by the context.  @threads any  @since 0.1 */
DC_API const char *dc_context_cache_dir(const dc_context *context);

struct _cl_context;
struct _cl_command_queue;

/**
 * Wrap a host's own OpenCL context and in-order command queue, so that the host offloads without a
 * copy: the queue returned runs on `command_queue`, and dc_buffer_from_cl() wraps its memory
 * objects. Both are retained until the context is freed.
 * @return DC_E_UNSUPPORTED when the OpenCL module is missing; DC_E_DEVICE with the driver's word.
 * @threads any.  @since 0.1
 */
DC_API dc_status dc_context_from_cl(struct _cl_context *cl_context,
                                    struct _cl_command_queue *command_queue, dc_context **context,
                                    dc_queue **queue);

/** Number of devices listed, the CPU (index 0) included and broken drivers too.  Probes OpenCL the
 * first time (in a helper process, at most `probe_timeout_ms`).  @threads any  @since 0.1 */
DC_API int32_t dc_device_count(dc_context *context);

/** Device `index`, owned by the context.  @threads any  @since 0.1 */
DC_API dc_status dc_device_at(dc_context *context, int32_t index, dc_device **out);

/**
 * Find a device by name: "cpu", "opencl" (the first usable), "opencl:1" (the second OpenCL device
 * of the list).  "cpu" never starts a driver.
 * @return DC_E_ARGUMENT for a malformed name, DC_E_UNSUPPORTED when there is none, with the reason.
 * @threads any.  @since 0.1
 */
DC_API dc_status dc_device_find(dc_context *context, const char *name, dc_device **out);

/** What the self-check found; a bit set means "as the contract needs it". */
enum {
    DC_CHECK_CONTRACT_OFF = 1 << 0, /* a*b+c is two roundings                           */
    DC_CHECK_FMA = 1 << 1,          /* fma() is one rounding                            */
    DC_CHECK_DIVIDE = 1 << 2,       /* float32 divide is correctly rounded              */
    DC_CHECK_SQRT = 1 << 3,         /* float32 sqrt is correctly rounded                */
    DC_CHECK_DENORM = 1 << 4,       /* float32 denormals are kept                       */
    DC_CHECK_BARRIER = 1 << 5,      /* local memory and barriers                        */
    DC_CHECK_INT64 = 1 << 6,        /* 64-bit integer arithmetic                        */
    DC_CHECK_ATOMIC64 = 1 << 7,     /* 64-bit integer atomics                           */
    DC_CHECK_FP64 = 1 << 8,         /* float64 + - * / sqrt fma                         */
    DC_CHECK_RAN = 1 << 30          /* the self-check was run at all                    */
};

/** What is known of a device.  Sizes in bytes; -1 or "" where unknown. */
typedef struct dc_device_info {
    uint32_t struct_size;   /* set by the caller to sizeof *info                              */
    int32_t kind;           /* DC_DEVICE_CPU or DC_DEVICE_OPENCL                              */
    int32_t index;          /* place in the list                                              */
    int32_t usable;         /* 0: `error` says why                                            */
    int32_t fp64;           /* float64 arithmetic                                             */
    int32_t unified_memory; /* shares the host's memory                                       */
    int32_t compute_units;  /* CPU: threads granted by affinity and quota                     */
    int32_t max_group;      /* work-items per group                                           */
    int32_t isa;            /* CPU: best usable DC_ISA_*                                      */
    int32_t checks;         /* DC_CHECK_* bits                                                */
    int32_t exact;          /* EXACT rows are promised here                                   */
    int32_t numa_node;      /* node the device hangs on, -1 unknown                           */
    int32_t is_cpu;         /* OpenCL: the device is this machine's CPU                       */
    int32_t reserved;
    int64_t global_bytes, max_alloc_bytes, local_bytes;
    char id[32]; /* "cpu", "opencl:0": what dc_device_find() takes                 */
    char name[128], vendor[128], driver[128], platform[128];
    char pci[32];    /* "0000:81:00.0" or ""                                           */
    char error[256]; /* "" when usable                                                 */
} dc_device_info;

/** Fill `info`; runs no kernel: dc_device_check() does.  @threads any  @since 0.1 */
DC_API dc_status dc_device_get_info(dc_device *device, dc_device_info *info);

/** Run the self-check battery once (kept for the context's life) and fill `info`.
 * @threads any  @since 0.1 */
DC_API dc_status dc_device_check(dc_device *device, dc_device_info *info);

/** One cache, core, package, NUMA summary of this machine.  Counts respect affinity and quotas. */
typedef struct dc_topology {
    uint32_t struct_size;
    int32_t packages, cores, logical_cpus, numa_nodes;
    int32_t affinity_cpus; /* CPUs the calling process may run on                       */
    double quota_cpus;     /* cgroup CPU quota in CPUs, 0: none                         */
    int32_t threads;       /* what the library uses by default: min(affinity, quota)    */
    int64_t l1d_bytes, l2_bytes, l3_bytes; /* of one instance                           */
    int32_t l3_instances;
    int64_t memory_bytes;
    char cpu_name[128];
    char isas[64]; /* "baseline avx2 avx512": usable here, worst first          */
} dc_topology;

/** Fill `topology` (hwloc where built with it, else /proc and /sys).  @threads any  @since 0.1 */
DC_API dc_status dc_topology_get(dc_topology *topology);

/** The whole tree as text, one object per line, indented; owned by the library, never NULL.
 * @threads any  @since 0.1 */
DC_API const char *dc_topology_text(void);

#ifdef __cplusplus
}
#endif
#endif
