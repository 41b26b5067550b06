#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/core/discovery.h"
#include "host/opencl/opencl.h"

/* Queries of extensions, by number: their headers are not everywhere. */
enum {
    PCI_BUS_INFO_KHR = 0x410F,
    NV_PCI_BUS = 0x4008,
    NV_PCI_SLOT = 0x4009,
    NV_PCI_DOMAIN = 0x400A,
    AMD_TOPOLOGY = 0x4037
};

enum { MOST_PLATFORMS = 64, MOST_DEVICES = 64 };

/* Questions to one device; the first refusal is kept.  A driver that does not know a question says
 * CL_INVALID_VALUE, which is an answer. */
typedef struct inquiry {
    cl_device_id id;
    cl_int failed;
} inquiry;

static int ask(inquiry *q, cl_device_info what, size_t bytes, void *value, size_t *given)
{
    const cl_int code = clGetDeviceInfo(q->id, what, bytes, value, given);
    if (code != CL_SUCCESS && code != CL_INVALID_VALUE && q->failed == CL_SUCCESS)
        q->failed = code;
    return code == CL_SUCCESS;
}

static void text_of(inquiry *q, cl_device_info what, char *text, size_t bytes)
{
    char value[1024] = "";
    if (!ask(q, what, sizeof value, value, NULL))
        value[0] = 0;
    value[sizeof value - 1] = 0;
    const char *from = value + strspn(value, " "); /* vendors pad names */
    snprintf(text, bytes, "%s", from);
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; --n)
        text[n - 1] = 0;
}

static int64_t number_of(inquiry *q, cl_device_info what)
{
    union {
        cl_uint u32;
        cl_ulong u64;
    } value = {0};
    size_t bytes = 0;
    if (!ask(q, what, sizeof value, &value, &bytes))
        return -1;
    if (bytes == sizeof(cl_uint))
        return (int64_t)value.u32;
    return value.u64 > INT64_MAX ? INT64_MAX : (int64_t)value.u64;
}

static int has_extension(inquiry *q, const char *name)
{
    char all[8192] = "";
    if (!ask(q, CL_DEVICE_EXTENSIONS, sizeof all, all, NULL))
        return -1;
    all[sizeof all - 1] = 0;
    const size_t n = strlen(name);
    for (const char *at = strstr(all, name); at; at = strstr(at + n, name))
        if ((at == all || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
            return 1;
    return 0;
}

int dc__cl_has_extension(cl_device_id id, const char *name)
{
    inquiry q = {id, CL_SUCCESS};
    return has_extension(&q, name);
}

static void pci_of(inquiry *q, char *text, size_t bytes)
{
    cl_uint khr[4], bus = 0, slot = 0, domain = 0;
    /* cl_device_topology_amd: type, 17 bytes unused, then bus, device, function. */
    unsigned char amd[24] = {0};
    text[0] = 0;
    if (has_extension(q, "cl_khr_pci_bus_info") == 1 &&
        ask(q, PCI_BUS_INFO_KHR, sizeof khr, khr, NULL))
        snprintf(text, bytes, "%04x:%02x:%02x.%x", khr[0], khr[1], khr[2], khr[3]);
    else if (has_extension(q, "cl_nv_device_attribute_query") == 1 &&
             ask(q, NV_PCI_BUS, sizeof bus, &bus, NULL) &&
             ask(q, NV_PCI_SLOT, sizeof slot, &slot, NULL)) {
        if (!ask(q, NV_PCI_DOMAIN, sizeof domain, &domain, NULL))
            domain = 0;
        snprintf(text, bytes, "%04x:%02x:%02x.%x", domain, bus, slot >> 3, slot & 7);
    } else if (has_extension(q, "cl_amd_device_attribute_query") == 1 &&
               ask(q, AMD_TOPOLOGY, sizeof amd, amd, NULL) && amd[0] == 1)
        snprintf(text, bytes, "0000:%02x:%02x.%x", amd[21], amd[22], amd[23]);
}

static int32_t numa_of(const char *pci)
{
    char path[96];
    int node = -1;
    if (pci[0] == 0)
        return -1;
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/numa_node", pci);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    if (fscanf(file, "%d", &node) != 1 || node < 0)
        node = -1;
    fclose(file);
    return node;
}

/* Why the device cannot be used, or NULL. */
static const char *refusal(inquiry *q)
{
    char text[128];
    int major = 0, minor = 0;
    text_of(q, CL_DEVICE_VERSION, text, sizeof text);
    if (sscanf(text, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12)
        return "the driver is older than OpenCL 1.2";
    text_of(q, CL_DEVICE_PROFILE, text, sizeof text);
    if (strcmp(text, "FULL_PROFILE") != 0)
        return "the device has the embedded profile only";
    if (number_of(q, CL_DEVICE_AVAILABLE) != CL_TRUE)
        return "the driver says that the device is not available";
    if (number_of(q, CL_DEVICE_COMPILER_AVAILABLE) != CL_TRUE)
        return "the driver has no compiler";
    if (number_of(q, CL_DEVICE_ENDIAN_LITTLE) != CL_TRUE)
        return "the device is big-endian";
    return NULL;
}

static void describe_numbers(inquiry *q, dc_device_info *info)
{
    cl_device_type type = 0;
    size_t group = 0;
    info->fp64 = number_of(q, CL_DEVICE_DOUBLE_FP_CONFIG) > 0;
    info->unified_memory = number_of(q, CL_DEVICE_HOST_UNIFIED_MEMORY) == CL_TRUE;
    info->is_cpu =
        ask(q, CL_DEVICE_TYPE, sizeof type, &type, NULL) && (type & CL_DEVICE_TYPE_CPU) != 0;
    info->compute_units = (int32_t)number_of(q, CL_DEVICE_MAX_COMPUTE_UNITS);
    if (!ask(q, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group, NULL))
        group = 1;
    info->max_group = group > INT32_MAX ? INT32_MAX : (int32_t)group;
    info->global_bytes = number_of(q, CL_DEVICE_GLOBAL_MEM_SIZE);
    info->max_alloc_bytes = number_of(q, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    info->local_bytes = number_of(q, CL_DEVICE_LOCAL_MEM_SIZE);
}

void dc__cl_describe(cl_platform_id platform, cl_device_id id, dc_device_info *info)
{
    inquiry q = {id, CL_SUCCESS};
    char value[256] = "";
    memset(info, 0, sizeof *info);
    info->struct_size = sizeof *info;
    info->kind = DC_DEVICE_OPENCL;
    info->isa = -1;
    describe_numbers(&q, info);
    text_of(&q, CL_DEVICE_NAME, info->name, sizeof info->name);
    text_of(&q, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    text_of(&q, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    cl_int code = clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof value, value, NULL);
    if (code != CL_SUCCESS)
        value[0] = 0;
    value[sizeof value - 1] = 0;
    snprintf(info->platform, sizeof info->platform, "%.127s", value);
    pci_of(&q, info->pci, sizeof info->pci);
    info->numa_node = numa_of(info->pci);
    const char *why = refusal(&q);
    const int asked = code == CL_SUCCESS; /* the platform answered; did the device? */
    code = asked ? q.failed : code;
    info->usable = why == NULL && code == CL_SUCCESS;
    if (code != CL_SUCCESS)
        snprintf(info->error, sizeof info->error, "%s -> %s (%d)",
                 asked ? "clGetDeviceInfo" : "clGetPlatformInfo", dc__cl_name(code), (int)code);
    else
        snprintf(info->error, sizeof info->error, "%s", why ? why : "");
}

dc_status dc__cl_platforms(cl_platform_id *list, cl_uint room, cl_uint *count)
{
    *count = 0;
    const cl_int code = clGetPlatformIDs(room, list, count);
    if (code == -1001 || (code == CL_SUCCESS && *count == 0)) {
        *count = 0;
        return dc__fail(DC_E_UNSUPPORTED,
                        "OpenCL is installed, but it has no driver (no usable .icd file)");
    }
    DC_CL_TRY("clGetPlatformIDs", code);
    if (*count > room)
        *count = room;
    return DC_OK;
}

/* A context opened and closed: what crashes here would crash the caller later. */
static void try_context(cl_platform_id platform, cl_device_id id, dc_device_info *info)
{
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)platform, 0};
    cl_int code = CL_SUCCESS;
    cl_context cl = clCreateContext(properties, 1, &id, NULL, NULL, &code);
    if (code == CL_SUCCESS) {
        clReleaseContext(cl);
        return;
    }
    info->usable = 0;
    snprintf(info->error, sizeof info->error, "clCreateContext -> %s (%d)", dc__cl_name(code),
             (int)code);
}

static void probe_platform(cl_platform_id platform, dc_device_info *list, int32_t room,
                           int32_t *count)
{
    cl_device_id id[MOST_DEVICES];
    cl_uint n = 0;
    const cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MOST_DEVICES, id, &n);
    if (code == CL_DEVICE_NOT_FOUND)
        return;
    if (code != CL_SUCCESS && *count < room) {
        dc_device_info *info = &list[(*count)++];
        memset(info, 0, sizeof *info);
        info->struct_size = sizeof *info;
        info->kind = DC_DEVICE_OPENCL;
        info->isa = info->numa_node = -1;
        char value[128] = "";
        if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof value, value, NULL))
            value[0] = 0;
        snprintf(info->platform, sizeof info->platform, "%.127s", value);
        snprintf(info->error, sizeof info->error, "clGetDeviceIDs -> %s (%d)", dc__cl_name(code),
                 (int)code);
        return;
    }
    for (cl_uint i = 0; i < n && i < MOST_DEVICES && *count < room; ++i) {
        dc_device_info *info = &list[(*count)++];
        dc__cl_describe(platform, id[i], info);
        if (info->usable)
            try_context(platform, id[i], info);
    }
}

dc_status dc__cl_probe(dc_device_info *list, int32_t room, int32_t *count)
{
    cl_platform_id platform[MOST_PLATFORMS];
    cl_uint n = 0;
    *count = 0;
    DC_TRY(dc__cl_platforms(platform, MOST_PLATFORMS, &n));
    for (cl_uint i = 0; i < n; ++i)
        probe_platform(platform[i], list, room, count);
    DC_REQUIRE(*count > 0, DC_E_UNSUPPORTED, "the installed OpenCL drivers found no device");
    return DC_OK;
}

/* The helper's main work: list what is there and write it to `fd`. */
DC_MODULE int dc_module_probe(int fd);
DC_MODULE int dc_module_probe(int fd)
{
    static struct {
        dc_probe_header header;
        dc_device_info list[DC_PROBE_ROOM];
    } answer;
    int32_t count = 0;
    memcpy(answer.header.magic, DC_PROBE_MAGIC, sizeof answer.header.magic);
    answer.header.record_bytes = sizeof(dc_device_info);
    answer.header.status = dc__cl_probe(answer.list, DC_PROBE_ROOM, &count);
    answer.header.count = count;
    if (answer.header.status != DC_OK)
        snprintf(answer.header.text, sizeof answer.header.text, "%s", dc_last_error());
    const char *at = (const char *)&answer;
    size_t left = sizeof answer.header + (size_t)count * sizeof(dc_device_info);
    while (left > 0) {
        const ssize_t n = write(fd, at, left);
        if (n <= 0)
            return 1;
        at += n;
        left -= (size_t)n;
    }
    return 0;
}
