/* The OpenCL executor's own types.  Core OpenCL 1.2 only; everything beyond is asked for by name.
 *
 * Objects: a device (context, programs, tables, pools) is shared by all threads; a queue belongs to
 * one thread at a time; a call is one run of a plan and holds what its commands need until they are
 * complete.  An event handed out is a reference to its call.
 */
#ifndef DC_OPENCL_OPENCL_H
#define DC_OPENCL_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <pthread.h>

#include "host/core/backend.h"
#include "host/opencl/geometry.h"

/* Block of a pool, or a host's wrapped cl_mem. */
typedef struct dc_cl_memory {
    cl_mem mem;
    size_t bytes;   /* real size of `mem`                            */
    size_t granted; /* what the pool counts                          */
    void *host;     /* pinned blocks: the address it is mapped to    */
    int wrapped;
    /* A call that failed should have written it: reading it is an error until a call or a write
     * succeeds.  Under the device's mutex. */
    dc_status failed;
    char why[192];
} dc_cl_memory;

typedef struct dc_cl_program {
    const dc_family *family;
    int32_t dtype;
    int ready; /* 0: some thread is building it */
    cl_program cl;
    struct dc_cl_program *next;
} dc_cl_program;

/* A constant table kept on the device. */
typedef struct dc_cl_table {
    uint64_t key;
    int64_t bytes;
    void *data; /* host copy: a key is a hash, contents decide */
    cl_mem mem;
    int64_t references, used; /* under the device's mutex; `used` orders the LRU */
    struct dc_cl_table *next;
} dc_cl_table;

typedef struct dc_cl_device {
    dc_context *context;
    cl_platform_id platform;
    cl_device_id id;
    cl_context cl;
    cl_command_queue utility; /* maps pinned blocks; a native device: the host's queue */
    int native;
    /* direct: the device works in the host's memory, so that a pinned block would be one copy more;
     * zero_copy: inputs of the caller may be used where they lie, if aligned. */
    int direct, zero_copy;
    int poison;        /* tests: blocks are filled with all-ones (NaN, the largest index) first */
    size_t base_align; /* bytes, of a window on the caller's memory */
    cl_device_fp_config single_fp;
    dc_device_info info;
    dc_cl_caps caps;
    int64_t allocated; /* atomic: bytes of device memory taken from the driver */

    pthread_mutex_t mutex; /* programs, tables, calls in flight */
    pthread_cond_t built;
    dc_cl_program *programs;
    dc_cl_table *tables;
    int64_t table_bytes, table_clock;

    pthread_mutex_t check_mutex;
    int checked;

    dc_pool *device_pool, *pinned_pool;
    /* Plan caches of the FFT and BLAS libraries: theirs to fill, freed by the hooks below. */
    void *fft, *gemm;
} dc_cl_device;

struct dc_cl_call;

typedef struct dc_cl_kernel {
    cl_program program;
    char name[64];
    cl_kernel cl;
    size_t max_group;
    cl_ulong local_bytes; /* of the kernel itself, without its __local arguments */
} dc_cl_kernel;

typedef struct dc_cl_queue {
    dc_cl_device *device;
    cl_command_queue cl;
    int native, profiling;
    dc_arena arena; /* geometries, reset for every step */
    dc_cl_kernel *kernel;
    int32_t nkernels, kernel_room;
    struct dc_cl_call *first, *last; /* in flight, oldest first; under the device's mutex */
} dc_cl_queue;

/* Two pinned pieces: one is filled while the other travels. */
typedef struct dc_cl_piece {
    dc_cl_memory *block;
    size_t used;
    cl_event last; /* the last command that touches it; the call's span holds it */
} dc_cl_piece;

typedef struct dc_cl_staging {
    dc_cl_piece piece[2];
    int current;
} dc_cl_staging;

/* A slot of the plan in device memory. */
typedef struct dc_cl_operand {
    cl_mem mem;
    int64_t first;     /* byte offset of element 0 */
    int32_t kind;      /* DC_SLOT_* */
    dc_buffer *buffer; /* retained */
    dc_cl_table *table;
    cl_mem window; /* on the caller's own memory; released with the call */
    char *host;    /* first byte of a host array's range, NULL: device-resident */
} dc_cl_operand;

typedef struct dc_cl_span {
    cl_event event;
    char name[64];
    double queued_us;
} dc_cl_span;

typedef struct dc_cl_call {
    int64_t references; /* atomic: the queue's and the event's */
    dc_cl_device *device;
    dc_cl_queue *queue; /* NULL once settled; under the device's mutex */
    struct dc_cl_call *next;
    const dc_exec_call *request; /* valid inside run() only */
    dc_cl_operand *operand;
    int32_t noperands;
    int started;          /* commands that write device memory were queued */
    dc_cl_memory **block; /* from the pool: copies of host arrays, scratch */
    int32_t nblocks, block_room;
    dc_cl_span *span; /* the events of all commands whose failure matters */
    int32_t nspans, span_room;
    dc_cl_staging staging;
    double progress_us; /* when progress was last told */
    int settled;
    dc_status status;
    char text[256];
} dc_cl_call;

extern const dc_backend dc__backend_opencl;

/* cl_name.c */
const char *dc__cl_name(cl_int code);
/* "<call> -> CL_X (n)"; DC_E_MEMORY for the driver's out-of-memory codes, else DC_E_DEVICE. */
dc_status dc__cl_failed(const char *call, cl_int code);

#define DC_CL_TRY(name, code)                                                                      \
    do {                                                                                           \
        const cl_int dc_code_ = (code);                                                            \
        if (dc_code_ != CL_SUCCESS)                                                                \
            return dc__cl_failed(name, dc_code_);                                                  \
    } while (0)

/* probe.c */
dc_status dc__cl_probe(dc_device_info *list, int32_t room, int32_t *count);
void dc__cl_describe(cl_platform_id platform, cl_device_id id, dc_device_info *info);
/* -1: the driver did not say. */
int dc__cl_has_extension(cl_device_id id, const char *name);
/* Platforms of the process, at most `room`. */
dc_status dc__cl_platforms(cl_platform_id *list, cl_uint room, cl_uint *count);

/* device.c */
dc_status dc__cl_open(dc_context *context, const dc_device_info *info, void **device);
dc_status dc__cl_open_native(dc_context *context, void *native_context, void *native_queue,
                             dc_device_info *info, void **device);
void dc__cl_close(void *device);

/* check.c: runs once per device, later calls are free. */
dc_status dc__cl_check(dc_cl_device *device);
/* What no kernel of `dtype` can do without; DC_E_UNSUPPORTED names what the self-check missed. */
dc_status dc__cl_check_require(const dc_cl_device *device, int32_t dtype);
/* check_text.c: the kernels of the self-check, in pieces. */
extern const char *const dc__cl_check_source[];
extern const cl_uint dc__cl_check_sources;

/* program.c */
enum { DC_CL_OPTIONS_BYTES = 256 };
/* Build options without the dtype's; the division and root flags need the self-check. */
void dc__cl_base_options(const dc_cl_device *device, char options[DC_CL_OPTIONS_BYTES]);
dc_status dc__cl_build(dc_cl_device *device, cl_program program, const char *options,
                       const char *what);
dc_status dc__cl_program_get(dc_cl_device *device, const dc_family *family, int32_t dtype,
                             cl_program *program);
void dc__cl_programs_free(dc_cl_device *device);
dc_status dc__cl_kernel_get(dc_cl_queue *queue, const dc_family *family, int32_t dtype,
                            const char *name, dc_cl_kernel **kernel);
void dc__cl_kernels_free(dc_cl_queue *queue);

/* cache.c: binaries on disk.  A path of SHA-256 in hex names an entry. */
enum { DC_CL_KEY_BYTES = 65 };
int dc__cl_cache_key(const dc_cl_device *device, const char *source, const char *options,
                     char key[DC_CL_KEY_BYTES]); /* 0: no cache here */
/* A program made from the entry and not yet built, or NULL: absent or refused. */
cl_program dc__cl_cache_load(dc_cl_device *device, const char key[DC_CL_KEY_BYTES]);
void dc__cl_cache_store(dc_cl_device *device, const char key[DC_CL_KEY_BYTES], cl_program program);
/* sha256.c */
void dc__cl_sha256(const void *const *part, const size_t *bytes, int parts,
                   unsigned char digest[32]);

/* memory.c */
dc_status dc__cl_pools_new(dc_cl_device *device);
void dc__cl_pools_free(dc_cl_device *device);
dc_status dc__cl_memory_new(dc_cl_device *device, size_t bytes, dc_cl_memory **memory);
dc_status dc__cl_memory_wrap(dc_cl_device *device, cl_mem mem, size_t *bytes,
                             dc_cl_memory **memory);
void dc__cl_memory_free(dc_cl_device *device, dc_cl_memory *memory);
dc_status dc__cl_pinned_new(dc_cl_device *device, size_t bytes, dc_cl_memory **memory);
void dc__cl_pinned_free(dc_cl_device *device, dc_cl_memory *memory);
/* table.c */
dc_status dc__cl_table_get(dc_cl_device *device, const dc_slot *slot, dc_cl_table **table);
void dc__cl_table_put(dc_cl_device *device, dc_cl_table *table);
void dc__cl_tables_free(dc_cl_device *device);

/* staging.c: host memory to and from the device through pinned pieces. */
dc_status dc__cl_upload(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset,
                        const void *src, size_t bytes);
/* All commands queued before are complete and fine.  Writes `dst` piece by piece. */
dc_status dc__cl_download(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset,
                          void *dst, size_t bytes);
void dc__cl_staging_free(dc_cl_device *device, dc_cl_staging *staging);
/* One read, not waited for. */
dc_status dc__cl_read(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset, void *dst,
                      size_t bytes);
/* A download whose pieces, `at` bytes from its beginning, are handed to `take` in order. */
typedef void (*dc_cl_take)(void *user, const void *src, size_t at, size_t bytes);
dc_status dc__cl_stream(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset,
                        size_t bytes, dc_cl_take take, void *user);
/* output.c: host arrays get their elements, nothing between them, after all commands were found
 * complete and fine. */
dc_status dc__cl_outputs(dc_cl_queue *queue, dc_cl_call *call);

/* queue.c */
dc_status dc__cl_queue_new(dc_cl_device *device, dc_cl_queue **queue);
void dc__cl_queue_free(dc_cl_queue *queue);
dc_status dc__cl_finish(dc_cl_queue *queue);
/* Wait for everything queued, at any price: a first refusal of clFinish is tried again. */
cl_int dc__cl_drain(dc_cl_queue *queue);
/* Wait for everything queued and for the fate of `call`'s commands. */
dc_status dc__cl_complete(dc_cl_queue *queue, const dc_cl_call *call);
/* Give the queue timestamps when a trace wants them. */
void dc__cl_queue_profile(dc_cl_queue *queue);

/* event.c: calls and their fate. */
dc_cl_call *dc__cl_call_new(dc_cl_queue *queue, const dc_exec_call *request);
void dc__cl_call_release(dc_cl_call *call);
void dc__cl_call_free_memory(dc_cl_call *call); /* its commands are complete */
/* Where the event of the next command goes, NULL: out of memory (error text set). */
cl_event *dc__cl_call_event(dc_cl_call *call, const char *name);
dc_status dc__cl_call_block(dc_cl_call *call, size_t bytes, cl_mem *mem);
/* DC_OK while the host wants to go on; tells it at the end of a step and, in between, at most 20
 * times a second. */
enum { DC_CL_UNITS_PER_STEP = 1000 };
dc_status dc__cl_call_progress(dc_cl_call *call, int64_t done);
/* Statuses of all commands of a call that is complete. */
dc_status dc__cl_call_outcome(const dc_cl_call *call);
/* Hand a call whose commands are queued to its queue; one reference stays with the caller. */
void dc__cl_call_submit(dc_cl_queue *queue, dc_cl_call *call);
/* End a call that was not submitted and whose commands are complete. */
void dc__cl_call_close(dc_cl_call *call, dc_status status);
/* DC_OK unless device memory that the call reads should have been made by a call that failed. */
dc_status dc__cl_call_inputs(const dc_cl_call *call);
void dc__cl_memory_renewed(dc_cl_device *device, dc_cl_memory *memory);
dc_status dc__cl_memory_good(dc_cl_device *device, const dc_cl_memory *memory);
void dc__cl_reap(dc_cl_queue *queue, int all);
dc_status dc__cl_event_wait(void *event);
void dc__cl_event_free(void *event);

/* operand.c: slots into device memory. */
dc_status dc__cl_bind(dc_cl_queue *queue, dc_cl_call *call);

/* launch.c */
dc_status dc__cl_supports(void *device, const dc_plan *plan);
dc_status dc__cl_run(void *queue, const dc_exec_call *request, void **event);
/* step.c */
dc_status dc__cl_step_run(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step);
dc_status dc__cl_cut_step(const dc_cl_device *device, const dc_step *step, dc_arena *arena,
                          dc_cl_geometry *geometry);
/* host_step.c */
dc_status dc__cl_host_step(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step);

/* fft.c, gemm.c: the libraries' steps, absent in a build without them.  Offsets are of element 0,
 * in bytes; the commands go to queue->cl, after what is queued there, and need no events of their
 * own (a marker follows them).  `supports` runs nothing.  The `closed` hooks free what hangs on
 * device->fft and device->gemm. */
__attribute__((weak)) dc_status dc__cl_gemm_supports(const dc_cl_device *device,
                                                     const dc_step *step);
__attribute__((weak)) dc_status dc__cl_fft_supports(const dc_cl_device *device,
                                                    const dc_step *step);
__attribute__((weak)) dc_status dc__cl_fft(dc_cl_queue *queue, const dc_step *step, cl_mem in,
                                           size_t in_offset_bytes, cl_mem out,
                                           size_t out_offset_bytes);
__attribute__((weak)) void dc__cl_fft_closed(dc_cl_device *device);
__attribute__((weak)) dc_status dc__cl_gemm(dc_cl_queue *queue, const dc_step *step, cl_mem a,
                                            size_t a_offset_bytes, cl_mem b, size_t b_offset_bytes,
                                            cl_mem c, size_t c_offset_bytes);
__attribute__((weak)) void dc__cl_gemm_closed(dc_cl_device *device);

#endif
