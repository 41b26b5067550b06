#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

enum { MOST_PLATFORMS = 64, MOST_DEVICES = 64 };

/* An error of the driver outside any call of ours: nobody to return it to but the log. */
static void CL_CALLBACK driver_says(const char *text, const void *info, size_t bytes, void *user)
{
    (void)info;
    (void)bytes;
    if (user) /* some drivers forget it */
        dc__log(user, 1, "OpenCL driver: %s", text);
}

static dc_status fill_caps(dc_cl_device *device)
{
    const dc_device_info *info = &device->info;
    const int64_t quarter = info->global_bytes / 4;
    const char *as = secure_getenv("DUALCUBE_OPENCL_AS");
    /* "gpu": a CPU's driver is used like a card's, so that a machine without a card can test the
     * pinned copies and the cuts that a card gets. */
    const int as_card = as != NULL && strcmp(as, "gpu") == 0;
    cl_uint align_bits = 0;
    device->caps.local_bytes = info->local_bytes;
    device->caps.max_group = info->max_group;
    device->caps.compute_units = info->compute_units;
    device->caps.scratch_limit_bytes =
        quarter < info->max_alloc_bytes ? quarter : info->max_alloc_bytes;
    device->caps.is_cpu = info->is_cpu && !as_card;
    device->direct = info->unified_memory && !as_card;
    DC_CL_TRY("clGetDeviceInfo", clGetDeviceInfo(device->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN,
                                                 sizeof align_bits, &align_bits, NULL));
    DC_CL_TRY("clGetDeviceInfo",
              clGetDeviceInfo(device->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof device->single_fp,
                              &device->single_fp, NULL));
    align_bits = align_bits < 512 ? 512 : align_bits;
    device->base_align = align_bits / 8;
    device->zero_copy = device->direct && info->is_cpu;
    device->poison = secure_getenv("DUALCUBE_OPENCL_POISON") != NULL;
    return DC_OK;
}

static dc_cl_device *allocate(dc_context *context)
{
    dc_cl_device *device = calloc(1, sizeof *device);
    if (device == NULL) {
        (void)dc__fail(DC_E_MEMORY, "OpenCL device: out of host memory");
        return NULL;
    }
    device->context = context;
    pthread_mutex_init(&device->mutex, NULL);
    pthread_mutex_init(&device->check_mutex, NULL);
    pthread_cond_init(&device->built, NULL);
    return device;
}

void dc__cl_close(void *handle)
{
    dc_cl_device *device = handle;
    if (device == NULL)
        return;
    if (dc__cl_fft_closed)
        dc__cl_fft_closed(device);
    if (dc__cl_gemm_closed)
        dc__cl_gemm_closed(device);
    dc__cl_programs_free(device);
    dc__cl_tables_free(device);
    dc__cl_pools_free(device);
    if (device->utility) {
        (void)clFinish(device->utility);
        clReleaseCommandQueue(device->utility);
    }
    if (device->cl)
        clReleaseContext(device->cl);
    pthread_cond_destroy(&device->built);
    pthread_mutex_destroy(&device->check_mutex);
    pthread_mutex_destroy(&device->mutex);
    free(device);
}

static int same(const dc_device_info *a, const dc_device_info *b)
{
    return strcmp(a->platform, b->platform) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->vendor, b->vendor) == 0 && strcmp(a->driver, b->driver) == 0 &&
           strcmp(a->pci, b->pci) == 0;
}

/* The device that `info` describes.  Devices that agree in everything (several simulated ones) are
 * told apart by their place in the list: consecutive places take consecutive twins. */
static dc_status find(const dc_device_info *info, dc_cl_device *device)
{
    cl_platform_id platform[MOST_PLATFORMS];
    cl_uint platforms = 0;
    int twins = 0, wanted = 0;
    char silent[sizeof info->error] = ""; /* a device that would not answer now */
    (void)sscanf(info->id, "opencl:%d", &wanted);
    DC_TRY(dc__cl_platforms(platform, MOST_PLATFORMS, &platforms));
    for (int pass = 0; pass < 2; ++pass) {
        int seen = 0;
        for (cl_uint p = 0; p < platforms; ++p) {
            cl_device_id id[MOST_DEVICES];
            cl_uint ids = 0;
            if (clGetDeviceIDs(platform[p], CL_DEVICE_TYPE_ALL, MOST_DEVICES, id, &ids))
                continue;
            for (cl_uint d = 0; d < ids && d < MOST_DEVICES; ++d) {
                dc_device_info here;
                dc__cl_describe(platform[p], id[d], &here);
                if (!here.usable && strstr(here.error, "->"))
                    memcpy(silent, here.error, sizeof silent);
                if (!same(info, &here))
                    continue;
                if (pass == 1 && seen == wanted % twins) {
                    device->platform = platform[p];
                    device->id = id[d];
                    device->info = here;
                    memcpy(device->info.id, info->id, sizeof info->id);
                    return DC_OK;
                }
                ++seen;
            }
        }
        twins = seen;
        DC_REQUIRE(twins > 0, DC_E_DEVICE, "device %s (%s): it was listed but is gone now%s%s",
                   info->id, info->name, silent[0] ? ": " : "", silent);
    }
    return dc__fail(DC_E_DEVICE, "device %s (%s): the driver's list changed", info->id, info->name);
}

static dc_status open_context(dc_cl_device *device)
{
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)device->platform, 0};
    cl_int code = CL_SUCCESS;
    device->cl = clCreateContext(properties, 1, &device->id, driver_says, device->context, &code);
    DC_CL_TRY("clCreateContext", code);
    device->utility = clCreateCommandQueue(device->cl, device->id, 0, &code);
    DC_CL_TRY("clCreateCommandQueue", code);
    DC_TRY(fill_caps(device));
    return dc__cl_pools_new(device);
}

dc_status dc__cl_open(dc_context *context, const dc_device_info *info, void **out)
{
    dc_cl_device *device = allocate(context);
    if (device == NULL)
        return DC_E_MEMORY;
    dc_status status = find(info, device);
    if (status == DC_OK && !device->info.usable)
        status = dc__fail(DC_E_UNSUPPORTED, "device %s: %s", info->id, device->info.error);
    if (status == DC_OK)
        status = open_context(device);
    if (status != DC_OK) {
        dc__cl_close(device);
        return status;
    }
    *out = device;
    return DC_OK;
}

/* The host's queue: its device, and whether it is one we can use. */
static dc_status inspect(cl_context context, cl_command_queue queue, dc_cl_device *device)
{
    cl_context owner = NULL;
    cl_command_queue_properties properties = 0;
    DC_CL_TRY("clGetCommandQueueInfo",
              clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof owner, &owner, NULL));
    DC_REQUIRE(owner == context, DC_E_ARGUMENT,
               "dc_context_from_cl: command_queue belongs to another cl_context");
    DC_CL_TRY("clGetCommandQueueInfo", clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES,
                                                             sizeof properties, &properties, NULL));
    DC_REQUIRE(!(properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE), DC_E_ARGUMENT,
               "dc_context_from_cl: command_queue is out of order, it must be in order");
    DC_CL_TRY("clGetCommandQueueInfo",
              clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device->id, &device->id, NULL));
    DC_CL_TRY("clGetDeviceInfo", clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM,
                                                 sizeof device->platform, &device->platform, NULL));
    return DC_OK;
}

static dc_status adopt(cl_context context, cl_command_queue queue, dc_cl_device *device)
{
    DC_TRY(inspect(context, queue, device));
    dc__cl_describe(device->platform, device->id, &device->info);
    snprintf(device->info.id, sizeof device->info.id, "opencl:0");
    DC_REQUIRE(device->info.usable, DC_E_UNSUPPORTED, "dc_context_from_cl: device %s: %s",
               device->info.name, device->info.error);
    DC_CL_TRY("clRetainContext", clRetainContext(context));
    device->cl = context;
    DC_CL_TRY("clRetainCommandQueue", clRetainCommandQueue(queue));
    device->utility = queue;
    device->native = 1;
    DC_TRY(fill_caps(device));
    return dc__cl_pools_new(device);
}

dc_status dc__cl_open_native(dc_context *context, void *native_context, void *native_queue,
                             dc_device_info *info, void **out)
{
    dc_cl_device *device = allocate(context);
    if (device == NULL)
        return DC_E_MEMORY;
    const dc_status status = adopt(native_context, native_queue, device);
    if (status != DC_OK) {
        dc__cl_close(device);
        return status;
    }
    *info = device->info;
    *out = device;
    return DC_OK;
}
