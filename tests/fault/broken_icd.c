/* An OpenCL driver that misbehaves as DCT_BROKEN_ICD says:
 *   crash            dies while the loader asks for its platforms
 *   exit             ends the process there
 *   hang             never answers
 *   crash-devices    has a platform and dies when asked for its devices
 *   hang-devices     has a platform and never lists its devices
 *   error-devices    has a platform and answers CL_OUT_OF_RESOURCES
 *   no-context       has a device, fit in every answer, that gives no context
 *   noisy            prints, to both streams, and has no device
 */
#include <CL/cl.h>
#include <CL/cl_icd.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOOR __attribute__((visibility("default")))

static cl_icd_dispatch table;

/* What the loader follows: the first word of every object is its table. */
struct _cl_platform_id {
    cl_icd_dispatch *dispatch;
};
struct _cl_device_id {
    cl_icd_dispatch *dispatch;
};
static struct _cl_platform_id the_platform = {&table};
static struct _cl_device_id the_device = {&table};

DOOR cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint room, cl_platform_id *list, cl_uint *count);
DOOR void *CL_API_CALL clGetExtensionFunctionAddress(const char *name);
DOOR cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info what,
                                          size_t room, void *value, size_t *bytes);

static int mode_is(const char *name)
{
    const char *mode = getenv("DCT_BROKEN_ICD");
    return mode != NULL && strcmp(mode, name) == 0;
}

static void crash(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void hang(void)
{
    for (;;)
        pause();
}

static cl_int answer(const void *from, size_t n, size_t room, void *value, size_t *bytes)
{
    if (bytes)
        *bytes = n;
    if (value == NULL)
        return CL_SUCCESS;
    if (room < n)
        return CL_INVALID_VALUE;
    memcpy(value, from, n);
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t room, void *value, size_t *bytes)
{
    return answer(text, strlen(text) + 1, room, value, bytes);
}

cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t room,
                                     void *value, size_t *bytes)
{
    (void)platform;
    switch (what) {
    case CL_PLATFORM_ICD_SUFFIX_KHR:
        return answer_text("BROKEN", room, value, bytes);
    case CL_PLATFORM_EXTENSIONS:
        return answer_text("cl_khr_icd", room, value, bytes);
    case CL_PLATFORM_PROFILE:
        return answer_text("FULL_PROFILE", room, value, bytes);
    case CL_PLATFORM_VERSION:
        return answer_text("OpenCL 1.2 broken", room, value, bytes);
    default:
        return answer_text("Broken platform", room, value, bytes);
    }
}

static cl_int CL_API_CALL device_ids(cl_platform_id platform, cl_device_type type, cl_uint room,
                                     cl_device_id *list, cl_uint *count)
{
    (void)platform;
    (void)type;
    if (mode_is("crash-devices"))
        crash();
    if (mode_is("hang-devices"))
        hang();
    if (mode_is("error-devices"))
        return CL_OUT_OF_RESOURCES;
    if (!mode_is("no-context"))
        return CL_DEVICE_NOT_FOUND;
    if (count)
        *count = 1;
    if (list && room > 0)
        list[0] = &the_device;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL device_info(cl_device_id device, cl_device_info what, size_t room,
                                      void *value, size_t *bytes)
{
    static const size_t group = 256;
    static const cl_ulong memory = (cl_ulong)1 << 30;
    static const cl_uint yes = 1;
    static const cl_device_type gpu = CL_DEVICE_TYPE_GPU;
    (void)device;
    switch (what) {
    case CL_DEVICE_NAME:
    case CL_DEVICE_VENDOR:
    case CL_DRIVER_VERSION:
        return answer_text("broken", room, value, bytes);
    case CL_DEVICE_VERSION:
        return answer_text("OpenCL 1.2 broken", room, value, bytes);
    case CL_DEVICE_PROFILE:
        return answer_text("FULL_PROFILE", room, value, bytes);
    case CL_DEVICE_EXTENSIONS:
        return answer_text("", room, value, bytes);
    case CL_DEVICE_TYPE:
        return answer(&gpu, sizeof gpu, room, value, bytes);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer(&group, sizeof group, room, value, bytes);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
    case CL_DEVICE_LOCAL_MEM_SIZE:
    case CL_DEVICE_DOUBLE_FP_CONFIG:
    case CL_DEVICE_SINGLE_FP_CONFIG:
        return answer(&memory, sizeof memory, room, value, bytes);
    default:
        return answer(&yes, sizeof yes, room, value, bytes);
    }
}

static cl_context CL_API_CALL no_context(
    const cl_context_properties *properties, cl_uint devices, const cl_device_id *list,
    void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code)
{
    (void)properties;
    (void)devices;
    (void)list;
    (void)notify;
    (void)user;
    if (code)
        *code = CL_OUT_OF_RESOURCES;
    return NULL;
}

cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint room, cl_platform_id *list, cl_uint *count)
{
    if (mode_is("crash"))
        crash();
    if (mode_is("hang"))
        hang();
    if (mode_is("exit"))
        _exit(3);
    if (mode_is("noisy")) {
        static const char noise[] = "DCPROBE the driver speaks\n";
        printf("%s", noise);
        fflush(stdout);
        (void)!write(STDOUT_FILENO, noise, sizeof noise - 1);
        (void)!write(STDERR_FILENO, noise, sizeof noise - 1);
    }
    table.clGetPlatformInfo = clGetPlatformInfo;
    table.clGetDeviceIDs = device_ids;
    table.clGetDeviceInfo = device_info;
    table.clCreateContext = no_context;
    if (count)
        *count = 1;
    if (list && room > 0)
        list[0] = &the_platform;
    return CL_SUCCESS;
}

void *CL_API_CALL clGetExtensionFunctionAddress(const char *name)
{
    static const struct {
        const char *name;
        void (*door)(void);
    } doors[] = {{"clIcdGetPlatformIDsKHR", (void (*)(void))clIcdGetPlatformIDsKHR},
                 {"clGetPlatformInfo", (void (*)(void))clGetPlatformInfo}};
    void *found = NULL;
    for (size_t i = 0; i < sizeof doors / sizeof *doors; ++i)
        if (strcmp(doors[i].name, name) == 0)
            memcpy(&found, &doors[i].door, sizeof found);
    return found;
}
