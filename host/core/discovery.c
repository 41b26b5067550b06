#include "host/core/discovery.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/core/module.h"

enum { MOST_DRIVERS = 32 };

/* Drivers that work, when some were found broken.  Of the process, as the ICD loader is. */
static struct {
    pthread_mutex_t mutex;
    int masked, good;
    char path[MOST_DRIVERS][PATH_MAX];
} drivers = {PTHREAD_MUTEX_INITIALIZER, 0, 0, {{0}}};

typedef struct driver_list {
    int count;
    char path[MOST_DRIVERS][PATH_MAX];
} driver_list;

static int ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* What the ICD loader would read: a directory of .icd files, one .icd file or a driver itself. */
static void list_drivers(driver_list *list)
{
    const char *where = getenv("OCL_ICD_VENDORS");
    struct stat st;
    list->count = 0;
    if (where == NULL || *where == 0)
        where = getenv("OPENCL_VENDOR_PATH");
    if (where == NULL || *where == 0)
        where = "/etc/OpenCL/vendors";
    if (stat(where, &st) != 0 || !S_ISDIR(st.st_mode)) {
        snprintf(list->path[list->count++], PATH_MAX, "%s", where);
        return;
    }
    DIR *dir = opendir(where);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        if (!ends_with(entry->d_name, ".icd") || list->count == MOST_DRIVERS)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", where, entry->d_name) < (int)sizeof path)
            memcpy(list->path[list->count++], path, sizeof path);
    }
    if (dir)
        closedir(dir);
    qsort(list->path, (size_t)list->count, sizeof list->path[0], by_name);
}

static dc_status find_helper(const char *module_path, char *path, size_t bytes)
{
    if (dc__module_path(DC_PROBE_PATH, path, bytes) == DC_OK && access(path, X_OK) == 0)
        return DC_OK;
    /* From a program that holds the library itself: the module's neighbourhood. */
    const char *slash = strrchr(module_path, '/');
    const int n = slash ? (int)(slash - module_path) + 1 : 0;
    if (snprintf(path, bytes, "%.*s%s", n, module_path, DC_PROBE_PATH) < (int)bytes &&
        access(path, X_OK) == 0)
        return DC_OK;
    if (snprintf(path, bytes, "%.*sdualcube-probe", n, module_path) < (int)bytes &&
        access(path, X_OK) == 0)
        return DC_OK;
    return dc__fail(DC_E_UNSUPPORTED,
                    "OpenCL devices cannot be listed: the probe helper %s is missing beside "
                    "the library",
                    DC_PROBE_PATH);
}

static void append(const dc_probe_run *run, dc_device_info *list, int32_t room, int32_t *count)
{
    for (int32_t i = 0; i < run->answer.header.count && *count < room; ++i)
        list[(*count)++] = run->answer.list[i];
}

static void append_broken(const char *driver, const char *why, dc_device_info *list, int32_t room,
                          int32_t *count)
{
    if (*count == room)
        return;
    dc_device_info *info = &list[(*count)++];
    const char *slash = strrchr(driver, '/');
    memset(info, 0, sizeof *info);
    info->struct_size = sizeof *info;
    info->kind = DC_DEVICE_OPENCL;
    info->isa = info->numa_node = -1;
    info->global_bytes = info->max_alloc_bytes = info->local_bytes = -1;
    snprintf(info->name, sizeof info->name, "%.127s", slash ? slash + 1 : driver);
    /* The end of a long path says more than its beginning. */
    const size_t n = strlen(driver);
    snprintf(info->error, sizeof info->error, "driver %s: %.110s", driver + (n > 120 ? n - 120 : 0),
             why);
}

static void mask(const driver_list *found, const char *good)
{
    pthread_mutex_lock(&drivers.mutex);
    drivers.masked = 1;
    drivers.good = 0;
    for (int i = 0; i < found->count; ++i)
        if (good[i])
            memcpy(drivers.path[drivers.good++], found->path[i], PATH_MAX);
    pthread_mutex_unlock(&drivers.mutex);
}

/* Every driver by itself, side by side. */
static dc_status discover_each(const char *helper, const char *module_path, int timeout_ms,
                               const driver_list *found, const char *together, dc_device_info *list,
                               int32_t room, int32_t *count)
{
    dc_probe_run *run = calloc((size_t)found->count, sizeof *run);
    char good[MOST_DRIVERS] = {0}, why[256];
    int broken = 0, kept = 0;
    DC_REQUIRE(run != NULL, DC_E_MEMORY, "OpenCL discovery: out of host memory");
    for (int i = 0; i < found->count; ++i)
        run[i].vendors = found->path[i];
    dc__probe_run(helper, module_path, timeout_ms, run, found->count);
    for (int i = 0; i < found->count; ++i) {
        good[i] = (char)dc__probe_answer(&run[i], timeout_ms, why, sizeof why);
        if (!good[i]) {
            append_broken(found->path[i], why, list, room, count);
            ++broken;
        }
    }
    for (int i = 0; i < found->count; ++i) {
        if (!good[i])
            continue;
        if (!broken && kept && run[i].answer.header.count > 0) {
            /* Each works alone, but not in one process: the first that has a device stays. */
            snprintf(why, sizeof why, "fails in one process with the other drivers (%.70s)",
                     together);
            append_broken(found->path[i], why, list, room, count);
            good[i] = 0;
            continue;
        }
        kept += run[i].answer.header.count > 0;
        append(&run[i], list, room, count);
    }
    free(run);
    mask(found, good);
    return DC_OK;
}

static dc_status discover(const char *helper, const char *module_path, int timeout_ms,
                          const driver_list *found, dc_device_info *list, int32_t room,
                          int32_t *count)
{
    /* With one driver the first answer is final; with several, half of the time is kept for a
     * second round. */
    const int limit = found->count > 1 ? timeout_ms / 2 : timeout_ms;
    dc_probe_run *run = calloc(1, sizeof *run);
    char why[256];
    DC_REQUIRE(run != NULL, DC_E_MEMORY, "OpenCL discovery: out of host memory");
    dc__probe_run(helper, module_path, limit, run, 1);
    const int answered = dc__probe_answer(run, limit, why, sizeof why);
    /* Without its libraries the module fails for all drivers alike. */
    const int blameless = answered || !run->started || run->answer.header.magic[2] == 'N';
    dc_status status = DC_OK;
    if (answered && run->answer.header.status == DC_OK)
        append(run, list, room, count);
    else if (answered)
        status = dc__fail(DC_E_UNSUPPORTED, "%s", run->answer.header.text);
    else if (blameless)
        status = dc__fail(DC_E_UNSUPPORTED, "%s", why);
    free(run);
    if (status != DC_OK || blameless)
        return status;
    if (found->count > 1)
        return discover_each(helper, module_path, timeout_ms - limit, found, why, list, room,
                             count);
    const char good = 0;
    append_broken(found->count ? found->path[0] : "of OpenCL", why, list, room, count);
    mask(found, &good);
    return DC_OK;
}

dc_status dc__discover(const char *module_path, int timeout_ms, dc_device_info *list, int32_t room,
                       int32_t *count)
{
    char helper[PATH_MAX];
    *count = 0;
    DC_REQUIRE(module_path[0] && access(module_path, R_OK) == 0, DC_E_UNSUPPORTED,
               "no OpenCL: the module %s is not installed", module_path);
    DC_TRY(find_helper(module_path, helper, sizeof helper));
    driver_list *found = malloc(sizeof *found);
    DC_REQUIRE(found != NULL, DC_E_MEMORY, "OpenCL discovery: out of host memory");
    list_drivers(found);
    const dc_status status = discover(helper, module_path, timeout_ms, found, list, room, count);
    free(found);
    for (int32_t i = 0; i < *count; ++i) {
        list[i].index = i;
        snprintf(list[i].id, sizeof list[i].id, "opencl:%d", (int)i);
    }
    return status;
}

static void remove_vendors(const char *dir)
{
    char path[PATH_MAX];
    for (int i = 0; i < drivers.good; ++i)
        if (snprintf(path, sizeof path, "%s/%d.icd", dir, i) < (int)sizeof path)
            unlink(path);
    rmdir(dir);
}

/* A private directory with one .icd file per good driver; its path, or "" when it cannot be made.
 */
static void make_vendors(char *dir, size_t bytes)
{
    const char *tmp = getenv("TMPDIR");
    char path[PATH_MAX];
    if (snprintf(dir, bytes, "%s/dualcube-icd-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp") >=
            (int)bytes ||
        mkdtemp(dir) == NULL) {
        dir[0] = 0;
        return;
    }
    for (int i = 0; i < drivers.good; ++i)
        if (snprintf(path, sizeof path, "%s/%d.icd", dir, i) >= (int)sizeof path ||
            symlink(drivers.path[i], path) != 0) {
            remove_vendors(dir);
            dir[0] = 0;
            return;
        }
}

static dc_status load(const char *module_path, const dc_backend **backend)
{
    union {
        void *object;
        dc_module_fn function;
    } entry;
    DC_TRY(dc__module_symbol(module_path, DC_MODULE_SYMBOL, &entry.object));
    const dc_backend *found = entry.function();
    DC_REQUIRE(found != NULL && found->abi == DC_BACKEND_ABI, DC_E_UNSUPPORTED,
               "module %s: its interface is version %d, this library needs %d", module_path,
               found ? (int)found->abi : -1, (int)DC_BACKEND_ABI);
    *backend = found;
    return DC_OK;
}

/* setenv() is seen by the whole process, so it is done only when there is a driver to hide, and for
 * as long as the loader needs to read it. */
static dc_status load_masked(const char *module_path, const dc_backend **backend)
{
    char dir[PATH_MAX] = "";
    const char *now = getenv("OCL_ICD_VENDORS");
    char *before = now ? strdup(now) : NULL;
    DC_REQUIRE(now == NULL || before != NULL, DC_E_MEMORY, "module %s: out of memory", module_path);
    if (drivers.good > 1)
        make_vendors(dir, sizeof dir);
    dc_status status = DC_OK;
    if (drivers.good > 1 && dir[0] == 0)
        status = dc__fail(DC_E_IO,
                          "module %s: no directory could be made under TMPDIR or /tmp to "
                          "keep broken OpenCL drivers out",
                          module_path);
    if (status == DC_OK && setenv("OCL_ICD_VENDORS", dir[0] ? dir : drivers.path[0], 1) != 0)
        status = dc__fail(DC_E_MEMORY, "module %s: out of memory", module_path);
    if (status == DC_OK)
        status = load(module_path, backend);
    if (before)
        setenv("OCL_ICD_VENDORS", before, 1);
    else
        unsetenv("OCL_ICD_VENDORS");
    if (dir[0])
        remove_vendors(dir);
    free(before);
    return status;
}

dc_status dc__discovered_backend(const char *module_path, const dc_backend **backend)
{
    dc_status status;
    pthread_mutex_lock(&drivers.mutex);
    if (!drivers.masked)
        status = load(module_path, backend);
    else if (drivers.good == 0)
        status = dc__fail(DC_E_UNSUPPORTED, "no OpenCL driver on this machine works");
    else
        status = load_masked(module_path, backend);
    pthread_mutex_unlock(&drivers.mutex);
    return status;
}
