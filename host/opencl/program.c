#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

void dc__cl_base_options(const dc_cl_device *device, char options[DC_CL_OPTIONS_BYTES])
{
    snprintf(options, DC_CL_OPTIONS_BYTES, "-cl-std=CL1.2%s%s",
             device->single_fp & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT
                 ? " -cl-fp32-correctly-rounded-divide-sqrt"
                 : "",
             device->info.fp64 ? " -DDC_FP64" : "");
}

/* float32 division and root: native where it is right, through double where there is one, else
 * through integers.  DUALCUBE_OPENCL_DIVIDE (f64, integer) takes another way than the best, so that
 * a device which needs none of them can test them. */
static const char *route(const dc_cl_device *device, int32_t bit, const char *native,
                         const char *through_double, const char *through_integers)
{
    const char *forced = secure_getenv("DUALCUBE_OPENCL_DIVIDE");
    const int has_double = (device->info.checks & DC_CHECK_FP64) != 0;
    if (forced && strcmp(forced, "integer") == 0)
        return through_integers;
    if (forced && strcmp(forced, "f64") == 0 && has_double)
        return through_double;
    return device->info.checks & bit ? native : has_double ? through_double : through_integers;
}

/* DUALCUBE_OPENCL_PLAIN=<family>,...: programs of these are not optimised, for tests that wait for
 * the compiler more than for the kernels. */
static int is_plain(const dc_family *family)
{
    const char *plain = secure_getenv("DUALCUBE_OPENCL_PLAIN");
    const size_t name = strlen(family->name);
    while (plain && *plain) {
        const size_t n = strcspn(plain, ",");
        if (n == name && memcmp(plain, family->name, n) == 0)
            return 1;
        plain += n + (plain[n] == ',');
    }
    return 0;
}

static void family_options(const dc_cl_device *device, const dc_family *family, int32_t dtype,
                           char options[DC_CL_OPTIONS_BYTES])
{
    static const char *const type[DC_DTYPES] = {
        [DC_F32] = "float",  [DC_F64] = "double", [DC_U8] = "uchar",
        [DC_U16] = "ushort", [DC_U32] = "uint",   [DC_U64] = "ulong"};
    dc__cl_base_options(device, options);
    const size_t n = strlen(options);
    snprintf(options + n, DC_CL_OPTIONS_BYTES - n, " %s %s -DT=%s -DSFX=%s%s%s",
             route(device, DC_CHECK_DIVIDE, "-DDC_DIV_NATIVE", "-DDC_DIV_F64", "-DDC_DIV_INTEGER"),
             route(device, DC_CHECK_SQRT, "-DDC_SQRT_NATIVE", "-DDC_SQRT_F64", "-DDC_SQRT_INTEGER"),
             type[dtype], dc__dtype_suffix(dtype), dtype > DC_F64 ? " -DDC_MOVE" : "",
             is_plain(family) ? " -cl-opt-disable" : "");
}

static dc_status build_failed(dc_cl_device *device, cl_program program, const char *what,
                              cl_int code)
{
    char empty[1] = "", *log = NULL;
    size_t bytes = 0;
    if (clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) ==
            CL_SUCCESS &&
        bytes > 0 && (log = calloc(1, bytes + 1)) != NULL &&
        clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) !=
            CL_SUCCESS)
        log[0] = 0;
    const char *text = log ? log : empty;
    dc__log(device->context, 0, "%s: build on %s failed: %.900s", what, device->info.id, text);
    const dc_status kind = dc__cl_failed("clBuildProgram", code);
    const dc_status status = dc__fail(kind, "program %s: clBuildProgram -> %s (%d): %.200s", what,
                                      dc__cl_name(code), (int)code, text);
    free(log);
    return status;
}

dc_status dc__cl_build(dc_cl_device *device, cl_program program, const char *options,
                       const char *what)
{
    const double begin = dc__trace_now();
    const cl_int code = clBuildProgram(program, 1, &device->id, options, NULL, NULL);
    dc__trace_span(dc__context_trace(device->context), device->info.id, "build", begin,
                   dc__trace_now(), what);
    return code == CL_SUCCESS ? DC_OK : build_failed(device, program, what, code);
}

static dc_status from_source(dc_cl_device *device, const char *source, const char *options,
                             const char *what, cl_program *program)
{
    cl_int code = CL_SUCCESS;
    cl_program made = clCreateProgramWithSource(device->cl, 1, &source, NULL, &code);
    DC_CL_TRY("clCreateProgramWithSource", code);
    const dc_status status = dc__cl_build(device, made, options, what);
    if (status == DC_OK)
        *program = made;
    else
        clReleaseProgram(made);
    return status;
}

/* From the disk when it is there and good, else from source. */
static dc_status make(dc_cl_device *device, const dc_family *family, int32_t dtype,
                      cl_program *program)
{
    char options[DC_CL_OPTIONS_BYTES], key[DC_CL_KEY_BYTES], what[80];
    const char *source = (const char *)family->source;
    DC_REQUIRE(source != NULL, DC_E_UNSUPPORTED, "family %s has no OpenCL kernels", family->name);
    DC_TRY(dc__cl_check(device));
    DC_TRY(dc__cl_check_require(device, dtype));
    family_options(device, family, dtype, options);
    snprintf(what, sizeof what, "%.60s_%s", family->name, dc__dtype_suffix(dtype));
    const int cached = dc__cl_cache_key(device, source, options, key);
    if (cached) {
        cl_program loaded = dc__cl_cache_load(device, key);
        if (loaded && clBuildProgram(loaded, 1, &device->id, options, NULL, NULL) == CL_SUCCESS) {
            DC_COUNT(device->context, cache_hits, 1);
            *program = loaded;
            return DC_OK;
        }
        if (loaded) { /* whole, yet the driver does not want it any more */
            clReleaseProgram(loaded);
            DC_COUNT(device->context, cache_rejected, 1);
        }
        DC_COUNT(device->context, cache_misses, 1);
    }
    DC_TRY(from_source(device, source, options, what, program));
    if (cached)
        dc__cl_cache_store(device, key, *program);
    return DC_OK;
}

/* Under the mutex: the entry, waiting while another thread builds it; NULL: there is none. */
static dc_cl_program *lookup(dc_cl_device *device, const dc_family *family, int32_t dtype)
{
    for (;;) {
        dc_cl_program *at = device->programs;
        while (at && (at->family != family || at->dtype != dtype))
            at = at->next;
        if (at == NULL || at->ready)
            return at;
        pthread_cond_wait(&device->built, &device->mutex);
    }
}

static void unlink_program(dc_cl_device *device, dc_cl_program *entry)
{
    dc_cl_program **at = &device->programs;
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
}

dc_status dc__cl_program_get(dc_cl_device *device, const dc_family *family, int32_t dtype,
                             cl_program *program)
{
    pthread_mutex_lock(&device->mutex);
    dc_cl_program *entry = lookup(device, family, dtype);
    if (entry) {
        *program = entry->cl;
        pthread_mutex_unlock(&device->mutex);
        return DC_OK;
    }
    entry = calloc(1, sizeof *entry);
    if (entry) {
        entry->family = family;
        entry->dtype = dtype;
        entry->next = device->programs;
        device->programs = entry;
    }
    pthread_mutex_unlock(&device->mutex);
    DC_REQUIRE(entry != NULL, DC_E_MEMORY, "program of %s: out of host memory", family->name);
    const dc_status status = make(device, family, dtype, program);
    pthread_mutex_lock(&device->mutex);
    if (status == DC_OK) {
        entry->cl = *program;
        entry->ready = 1;
        DC_COUNT(device->context, programs, 1);
    } else { /* those who wait try themselves: the reason may have gone */
        unlink_program(device, entry);
        free(entry);
    }
    pthread_cond_broadcast(&device->built);
    pthread_mutex_unlock(&device->mutex);
    return status;
}

void dc__cl_programs_free(dc_cl_device *device)
{
    while (device->programs) {
        dc_cl_program *entry = device->programs;
        device->programs = entry->next;
        clReleaseProgram(entry->cl);
        free(entry);
    }
}

static dc_status create_kernel(dc_cl_queue *queue, cl_program program, const char *name,
                               dc_cl_kernel *kernel)
{
    const cl_device_id id = queue->device->id;
    cl_int code = CL_SUCCESS;
    kernel->cl = clCreateKernel(program, name, &code);
    if (code != CL_SUCCESS)
        return dc__fail(DC_E_DEVICE, "kernel %s: clCreateKernel -> %s (%d)", name,
                        dc__cl_name(code), (int)code);
    const char *call = "clGetKernelWorkGroupInfo";
    code = clGetKernelWorkGroupInfo(kernel->cl, id, CL_KERNEL_WORK_GROUP_SIZE,
                                    sizeof kernel->max_group, &kernel->max_group, NULL);
    if (code == CL_SUCCESS)
        code = clGetKernelWorkGroupInfo(kernel->cl, id, CL_KERNEL_LOCAL_MEM_SIZE,
                                        sizeof kernel->local_bytes, &kernel->local_bytes, NULL);
    if (code != CL_SUCCESS) {
        clReleaseKernel(kernel->cl);
        return dc__cl_failed(call, code);
    }
    kernel->program = program;
    snprintf(kernel->name, sizeof kernel->name, "%s", name);
    return DC_OK;
}

dc_status dc__cl_kernel_get(dc_cl_queue *queue, const dc_family *family, int32_t dtype,
                            const char *name, dc_cl_kernel **kernel)
{
    char full[64];
    cl_program program = NULL;
    DC_REQUIRE(snprintf(full, sizeof full, "%s_%s", name, dc__dtype_suffix(dtype)) <
                   (int)sizeof full,
               DC_E_UNSUPPORTED, "kernel %s: its name is longer than 59 characters", name);
    DC_TRY(dc__cl_program_get(queue->device, family, dtype, &program));
    for (int32_t i = 0; i < queue->nkernels; ++i)
        if (queue->kernel[i].program == program && strcmp(queue->kernel[i].name, full) == 0) {
            *kernel = &queue->kernel[i];
            return DC_OK;
        }
    if (queue->nkernels == queue->kernel_room) {
        const int32_t room = queue->kernel_room ? 2 * queue->kernel_room : 16;
        dc_cl_kernel *grown = realloc(queue->kernel, (size_t)room * sizeof *grown);
        DC_REQUIRE(grown != NULL, DC_E_MEMORY, "kernel %s: out of host memory", full);
        queue->kernel = grown;
        queue->kernel_room = room;
    }
    DC_TRY(create_kernel(queue, program, full, &queue->kernel[queue->nkernels]));
    *kernel = &queue->kernel[queue->nkernels++];
    return DC_OK;
}

void dc__cl_kernels_free(dc_cl_queue *queue)
{
    for (int32_t i = 0; i < queue->nkernels; ++i)
        clReleaseKernel(queue->kernel[i].cl);
    free(queue->kernel);
}
