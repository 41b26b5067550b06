#include "host/core/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/core/discovery.h"
#include "host/core/module.h"

enum { HUGE_BYTES = 4 << 20, HUGE_PAGE = 2 << 20 };

/* Host memory: large blocks on huge pages, since fresh small pages cost more than most rows. */
static void *host_new(void *user, size_t bytes)
{
    void *memory = NULL;

    (void)user;
    if (posix_memalign(&memory, bytes >= HUGE_BYTES ? HUGE_PAGE : 64, bytes) != 0) {
        dc__fail(DC_E_MEMORY, "host pool: the system has no %zu bytes", bytes);
        return NULL;
    }
    if (bytes >= HUGE_BYTES)
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

static void host_free(void *user, void *memory, size_t bytes)
{
    (void)user;
    (void)bytes;
    free(memory);
}

/* The number of this process where the kernel clears it in a child made by fork(): asking for it
 * would cost a small call a twentieth of its time.  NULL: the kernel cannot. */
static pid_t *known_pid;
static pthread_once_t known_once = PTHREAD_ONCE_INIT;

static void known_open(void)
{
#ifdef MADV_WIPEONFORK
    const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return;
    if (madvise(page, bytes, MADV_WIPEONFORK) == 0)
        known_pid = page;
    else
        (void)munmap(page, bytes);
#endif
}

static pid_t current_pid(void)
{
    pid_t pid;

    (void)pthread_once(&known_once, known_open);
    if (!known_pid)
        return getpid();
    pid = __atomic_load_n(known_pid, __ATOMIC_RELAXED);
    if (pid == 0) {
        pid = getpid();
        __atomic_store_n(known_pid, pid, __ATOMIC_RELAXED);
    }
    return pid;
}

static void default_cache_dir(char *dir, size_t room)
{
    const char *own = secure_getenv("DUALCUBE_CACHE_DIR");
    const char *xdg = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
    int n = 0;

    dir[0] = 0;
    if (own)
        n = snprintf(dir, room, "%s", own);
    else if (xdg && xdg[0] == '/')
        n = snprintf(dir, room, "%s/dualcube", xdg);
    else if (home && home[0] == '/')
        n = snprintf(dir, room, "%s/.cache/dualcube", home);
    if (n < 0 || (size_t)n >= room)
        dir[0] = 0;
}

static void read_environment(dc_context *context)
{
    const char *trace = secure_getenv("DUALCUBE_TRACE");

    if (!trace || !*trace)
        return;
    if (strcmp(trace, "plan") == 0) {
        context->trace_plans = 1;
        return;
    }
    if (strlen(trace) < sizeof context->trace_path) {
        strcpy(context->trace_path, trace);
        dc__trace_enable(context->trace, 1);
    }
}

static void add_cpu(dc_context *context)
{
    dc_device *cpu = &context->device[0];

    cpu->context = context;
    cpu->backend = &dc__backend_cpu;
    int32_t n = 0;
    if (dc__backend_cpu.probe(&cpu->info, 1, &n) != DC_OK || n != 1)
        snprintf(cpu->info.error, sizeof cpu->info.error, "%s", dc_last_error());
    context->ndevices = 1;
}

dc_status dc_context_new(const dc_context_params *params, dc_context **out)
{
    const dc_pool_source source = {host_new, host_free, NULL, "host"};
    dc_context_params p = DC_CONTEXT_PARAMS_INIT;
    dc_context *context;
    dc_status status;

    DC_REQUIRE(out, DC_E_ARGUMENT, "dc_context_new: out is NULL");
    *out = NULL;
    if (params) {
        DC_REQUIRE(params->struct_size == sizeof p, DC_E_ARGUMENT,
                   "dc_context_new: params.struct_size is %u, expected %zu", params->struct_size,
                   sizeof p);
        p = *params;
    }
    DC_REQUIRE(p.probe_timeout_ms > 0, DC_E_ARGUMENT,
               "dc_context_new: probe_timeout_ms is %d, at least 1 is needed", p.probe_timeout_ms);
    DC_REQUIRE((!p.cache_dir || strlen(p.cache_dir) < sizeof context->cache_dir) &&
                   (!p.opencl_module || strlen(p.opencl_module) < sizeof context->module_path),
               DC_E_ARGUMENT, "dc_context_new: cache_dir or opencl_module is longer than %zu bytes",
               sizeof context->cache_dir - 1);
    context = calloc(1, sizeof *context);
    DC_REQUIRE(context, DC_E_MEMORY, "dc_context_new: no memory");
    pthread_mutex_init(&context->lock, NULL);
    context->pid = current_pid();
    context->probe_timeout_ms = p.probe_timeout_ms;
    context->trace = dc__trace_new();
    status = dc__pool_new(&source, &context->host_pool);
    if (status != DC_OK) {
        dc_context_free(context);
        return status;
    }
    if (p.cache_dir)
        strcpy(context->cache_dir, p.cache_dir);
    else
        default_cache_dir(context->cache_dir, sizeof context->cache_dir);
    if (p.opencl_module)
        strcpy(context->module_path, p.opencl_module);
    else if (dc__module_path("libdualcube-opencl.so", context->module_path,
                             sizeof context->module_path) != DC_OK)
        context->module_path[0] = 0;
    read_environment(context);
    add_cpu(context);
    *out = context;
    return DC_OK;
}

void dc_context_free(dc_context *context)
{
    if (!context)
        return;
    if (context->trace_path[0] && context->pid == current_pid())
        (void)dc__trace_write(context->trace, context->trace_path);
    for (int32_t i = 0; i < context->ndevices; ++i) {
        dc_device *device = &context->device[i];
        /* A forked child's drivers are dead: touching them may hang. */
        if (device->handle && device->backend && context->pid == current_pid())
            device->backend->close(device->handle);
    }
    dc__pool_free(context->host_pool);
    dc__trace_free(context->trace);
    pthread_mutex_destroy(&context->lock);
    free(context);
}

static void discover_locked(dc_context *context)
{
    dc_device_info list[DC_MAX_DEVICES - 1];
    const dc_backend *backend = NULL;
    int32_t n = 0;

    context->discovered = 1;
    if (!context->module_path[0]) {
        snprintf(context->discovery_note, sizeof context->discovery_note,
                 "OpenCL is switched off or its module was not found");
        return;
    }
    memset(list, 0, sizeof list);
    if (dc__discover(context->module_path, context->probe_timeout_ms, list, DC_MAX_DEVICES - 1,
                     &n) != DC_OK) {
        snprintf(context->discovery_note, sizeof context->discovery_note, "%.250s",
                 dc_last_error());
        return;
    }
    if (n == 0)
        snprintf(context->discovery_note, sizeof context->discovery_note,
                 "no OpenCL device is installed");
    for (int32_t i = 0; i < n; ++i)
        if (list[i].usable && !backend && dc__discovered_backend(context->module_path, &backend)) {
            list[i].usable = 0;
            snprintf(list[i].error, sizeof list[i].error, "%.250s", dc_last_error());
        }
    for (int32_t i = 0; i < n; ++i) {
        dc_device *device = &context->device[context->ndevices];

        device->context = context;
        device->info = list[i];
        device->info.index = context->ndevices++;
        device->info.kind = DC_DEVICE_OPENCL;
        snprintf(device->info.id, sizeof device->info.id, "opencl:%d", (int)i);
        device->backend = list[i].usable ? backend : NULL;
    }
}

void dc__context_discover(dc_context *context)
{
    pthread_mutex_lock(&context->lock);
    if (!context->discovered && !dc__context_forked(context))
        discover_locked(context);
    pthread_mutex_unlock(&context->lock);
}

void dc_context_set_log(dc_context *context, dc_log_fn log, void *user)
{
    if (!context)
        return;
    pthread_mutex_lock(&context->lock);
    context->log = log;
    context->log_user = user;
    pthread_mutex_unlock(&context->lock);
}

void dc__log(dc_context *context, int32_t level, const char *format, ...)
{
    char text[1024];
    va_list list;

    if (!context->log)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    context->log(level, text, context->log_user);
}

dc_counter_cells *dc__context_counters(dc_context *context)
{
    return &context->counters;
}

dc_trace *dc__context_trace(dc_context *context)
{
    return context->trace;
}

const char *dc__context_cache_dir(dc_context *context)
{
    return context->cache_dir;
}

const char *dc_context_cache_dir(const dc_context *context)
{
    return context ? context->cache_dir : "";
}

int dc__context_forked(const dc_context *context)
{
    return context->pid != current_pid();
}

dc_status dc_context_get_counters(dc_context *context, dc_counters *counters)
{
    DC_REQUIRE(context && counters, DC_E_ARGUMENT, "dc_context_get_counters: %s is NULL",
               context ? "counters" : "context");
    DC_REQUIRE(counters->struct_size == sizeof *counters, DC_E_ARGUMENT,
               "dc_context_get_counters: struct_size is %u, expected %zu", counters->struct_size,
               sizeof *counters);
#define READ(field) __atomic_load_n(&context->counters.field, __ATOMIC_RELAXED)
    *counters = (dc_counters){.struct_size = sizeof *counters,
                              .programs = (int32_t)READ(programs),
                              .calls_cpu = READ(calls_cpu),
                              .calls_device = READ(calls_device),
                              .fallbacks = READ(fallbacks),
                              .launches = READ(launches),
                              .copies = READ(copies),
                              .bytes_to_device = READ(bytes_to_device),
                              .bytes_to_host = READ(bytes_to_host),
                              .cache_hits = READ(cache_hits),
                              .cache_misses = READ(cache_misses),
                              .cache_rejected = READ(cache_rejected)};
#undef READ
    return DC_OK;
}

dc_status dc_trace_start(dc_context *context)
{
    DC_REQUIRE(context, DC_E_ARGUMENT, "dc_trace_start: context is NULL");
    DC_REQUIRE(context->trace, DC_E_MEMORY, "dc_trace_start: there was no memory for a trace");
    dc__trace_enable(context->trace, 1);
    return DC_OK;
}

dc_status dc_trace_stop(dc_context *context, const char *path)
{
    DC_REQUIRE(context, DC_E_ARGUMENT, "dc_trace_stop: context is NULL");
    DC_TRY(dc__trace_write(context->trace, path));
    dc__trace_enable(context->trace, 0);
    return DC_OK;
}
