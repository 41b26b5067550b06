/* Private parts of contexts, devices and queues.  Only host/core reads them. */
#ifndef DC_CORE_CONTEXT_H
#define DC_CORE_CONTEXT_H

#include <pthread.h>
#include <sys/types.h>

#include "host/core/backend.h"

enum { DC_MAX_DEVICES = 32, DC_CALLS_IN_FLIGHT = 8 };

struct dc_device {
    dc_context *context;
    const dc_backend *backend; /* NULL: listed, not usable                          */
    dc_device_info info;
    void *handle; /* the backend's device; opened on first use, under the lock */
    int checked;
};

struct dc_context {
    pthread_mutex_t lock; /* device list, opening, checking                    */
    pid_t pid;            /* of the process that opened it                     */
    int probe_timeout_ms;
    char cache_dir[1024], module_path[1024];
    dc_device device[DC_MAX_DEVICES]; /* [0] is the CPU                        */
    int32_t ndevices;
    int discovered;
    char discovery_note[256]; /* why there is no OpenCL device, or ""          */
    dc_pool *host_pool;
    dc_trace *trace;
    char trace_path[1024]; /* written when the context is freed, "" : not      */
    int trace_plans;
    dc_counter_cells counters;
    dc_log_fn log;
    void *log_user;
};

/* Completion of one call, shared by the caller and by the queue that keeps the call's plan. */
struct dc_event {
    pthread_mutex_t lock;
    const dc_backend *backend; /* NULL: complete */
    void *event;
    dc_status status;
    char text[256];     /* of a failure */
    int32_t told;       /* atomic: the caller has had the status */
    double begin_us;    /* when the call began                   */
    double measured_ms; /* until its end was seen                */
    int32_t references; /* atomic */
};

/* Memory of one call that may still be running on a device. */
typedef struct dc_flight {
    dc_arena arena;
    dc_event *pending; /* NULL: complete */
} dc_flight;

struct dc_queue {
    dc_context *context;
    dc_device *device; /* NULL: automatic                                      */
    int32_t policy, threads, isa;
    dc_progress_fn progress;
    void *progress_user;
    dc_device *accelerator; /* automatic: the device considered, once known    */
    int searched;
    void *cpu_exec, *device_exec; /* the backends' queues                      */
    dc_device *exec_device;       /* whose queue device_exec is                */
    dc_flight flight[DC_CALLS_IN_FLIGHT];
    int32_t next_flight;
    dc_status late; /* first failure of a call in flight that nobody was told */
    char late_text[256];
    dc_run_info last;
    dc_event *last_event; /* of that call, NULL: it was complete when it returned */
};

/* List the OpenCL devices once.  The context's lock is not held. */
void dc__context_discover(dc_context *context);

/* The backend's handle of a device, opened on first use. */
dc_status dc__device_open(dc_device *device, void **handle);

/* First usable OpenCL device, NULL with the error text set when there is none. */
dc_device *dc__first_accelerator(dc_context *context);

/* The executor queue a call on `device` uses, made on first use. */
dc_status dc__queue_exec(dc_queue *queue, dc_device *device, void **exec);

/* Memory for the next call's plan; waits for the call that last used it. */
dc_flight *dc__queue_flight(dc_queue *queue);

/* An event of one reference; `event` NULL: complete.  NULL when out of memory. */
dc_event *dc__event_new(const dc_backend *backend, void *event);
void dc__event_retain(dc_event *event);

/* The device whose buffer this is. */
dc_device *dc__device_of(dc_context *context, const dc_buffer *buffer);

#endif
