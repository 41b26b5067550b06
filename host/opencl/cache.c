/* Program binaries on disk.
 *
 * An entry is one file, named by the SHA-256 of everything its contents depend on: header, then the
 * driver's binary.  It is written under a temporary name and renamed, so that a reader sees all of
 * it or nothing and writers need no lock; a checksum stands between a damaged file and the driver,
 * since some drivers abort the process on one.  Nothing here fails a call.
 *
 * DUALCUBE_CACHE: "off"; "always" (also for drivers that keep a cache of their own); else where the
 * driver keeps none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/opencl/opencl.h"

enum { FORMAT = 1 };
static const size_t most_bytes = (size_t)256 << 20;
static const char magic[8] = "DCCLBIN";

typedef struct entry_header {
    char magic[8];
    uint32_t format, reserved;
    char key[72];
    uint64_t bytes;
    unsigned char digest[32]; /* of the binary */
} entry_header;

static int wanted(const dc_cl_device *device)
{
    const char *mode = secure_getenv("DUALCUBE_CACHE");
    if (dc__context_cache_dir(device->context)[0] == 0)
        return 0;
    if (mode && strcmp(mode, "off") == 0)
        return 0;
    /* PoCL: asking for a binary costs more than building, and it has a cache. */
    return (mode && strcmp(mode, "always") == 0) ||
           strcmp(device->info.platform, "Portable Computing Language") != 0;
}

int dc__cl_cache_key(const dc_cl_device *device, const char *source, const char *options,
                     char key[DC_CL_KEY_BYTES])
{
    char format[64], version[256] = "";
    unsigned char digest[32];
    if (!wanted(device) || clGetPlatformInfo(device->platform, CL_PLATFORM_VERSION, sizeof version,
                                             version, NULL) != CL_SUCCESS)
        return 0;
    snprintf(format, sizeof format, "dualcube %s format %d pointer %zu", dc_version(), FORMAT,
             sizeof(void *));
    const char *text[] = {format,
                          device->info.platform,
                          version,
                          device->info.vendor,
                          device->info.name,
                          device->info.driver,
                          options,
                          source};
    enum { PARTS = sizeof text / sizeof *text };
    const void *part[PARTS];
    size_t bytes[PARTS];
    for (int i = 0; i < PARTS; ++i) { /* with the terminator: parts cannot run into one another */
        part[i] = text[i];
        bytes[i] = strlen(text[i]) + 1;
    }
    dc__cl_sha256(part, bytes, PARTS, digest);
    for (int i = 0; i < 32; ++i)
        snprintf(key + 2 * i, 3, "%02x", digest[i]);
    return 1;
}

/* Make the directory and those above it; what exists is left as it is. */
static void make_directories(const char *dir)
{
    char path[1024];
    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
        return;
    for (char *c = path + 1; *c; ++c)
        if (*c == '/') {
            *c = 0;
            (void)mkdir(path, 0700);
            *c = '/';
        }
    (void)mkdir(path, 0700);
}

/* The cache directory, -1 when there is none that only we can write to. */
static int open_directory(dc_cl_device *device, int create)
{
    const char *dir = dc__context_cache_dir(device->context);
    struct stat st;
    if (create)
        make_directories(dir);
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022) == 0)
        return fd;
    dc__log(device->context, 1, "program cache: %s is not used, others own it or may write to it",
            dir);
    close(fd);
    return -1;
}

static void entry_name(const char *key, char name[DC_CL_KEY_BYTES + 8])
{
    snprintf(name, DC_CL_KEY_BYTES + 8, "%s.clbin", key);
}

static int read_all(int fd, void *to, size_t bytes)
{
    for (char *at = to; bytes > 0;) {
        const ssize_t n = read(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        at += n;
        bytes -= (size_t)n;
    }
    return 1;
}

static int write_all(int fd, const void *from, size_t bytes)
{
    for (const char *at = from; bytes > 0;) {
        const ssize_t n = write(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        at += n;
        bytes -= (size_t)n;
    }
    return 1;
}

static void digest_of(const void *data, size_t bytes, unsigned char digest[32])
{
    const void *const part[] = {data};
    dc__cl_sha256(part, &bytes, 1, digest);
}

/* The binary of an open entry, from malloc; NULL: it is not what it should be. */
static unsigned char *read_entry(int fd, const char *key, size_t *bytes)
{
    entry_header header;
    unsigned char digest[32];
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        !read_all(fd, &header, sizeof header) || memcmp(header.magic, magic, sizeof magic) != 0 ||
        header.format != FORMAT || memcmp(header.key, key, DC_CL_KEY_BYTES) != 0 ||
        header.bytes == 0 || header.bytes > most_bytes ||
        (uint64_t)st.st_size != (uint64_t)sizeof header + header.bytes)
        return NULL;
    unsigned char *data = malloc((size_t)header.bytes);
    if (data == NULL)
        return NULL;
    if (read_all(fd, data, (size_t)header.bytes)) {
        digest_of(data, (size_t)header.bytes, digest);
        if (memcmp(digest, header.digest, sizeof digest) == 0) {
            *bytes = (size_t)header.bytes;
            return data;
        }
    }
    free(data);
    return NULL;
}

cl_program dc__cl_cache_load(dc_cl_device *device, const char key[DC_CL_KEY_BYTES])
{
    char name[DC_CL_KEY_BYTES + 8];
    size_t bytes = 0;
    cl_int code = CL_SUCCESS, status = CL_SUCCESS;
    const int dir = open_directory(device, 0);
    if (dir < 0)
        return NULL;
    entry_name(key, name);
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    const int absent = fd < 0 && errno == ENOENT;
    close(dir);
    if (absent)
        return NULL;
    unsigned char *data = fd < 0 ? NULL : read_entry(fd, key, &bytes);
    if (fd >= 0)
        close(fd);
    cl_program program = NULL;
    if (data) {
        const unsigned char *binary = data;
        program =
            clCreateProgramWithBinary(device->cl, 1, &device->id, &bytes, &binary, &status, &code);
        if (program && (code != CL_SUCCESS || status != CL_SUCCESS)) {
            clReleaseProgram(program);
            program = NULL;
        }
    }
    free(data);
    if (program == NULL) {
        DC_COUNT(device->context, cache_rejected, 1);
        dc__log(device->context, 1, "program cache: %s is damaged and will be written anew", name);
    }
    return program;
}

/* The driver's binary for our device, from malloc.  A host's context may hold several devices. */
static unsigned char *binary_of(const dc_cl_device *device, cl_program program, size_t *bytes)
{
    cl_uint n = 0;
    unsigned char *data = NULL;
    if (clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof n, &n, NULL) || n == 0 || n > 1024)
        return NULL;
    cl_device_id *id = calloc(n, sizeof(cl_device_id));
    size_t *size = calloc(n, sizeof *size);
    unsigned char **list = calloc(n, sizeof(unsigned char *));
    if (id && size && list &&
        !clGetProgramInfo(program, CL_PROGRAM_DEVICES, n * sizeof(cl_device_id), id, NULL) &&
        !clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, n * sizeof *size, size, NULL))
        for (cl_uint i = 0; i < n; ++i) {
            if (id[i] != device->id || size[i] == 0 || size[i] > most_bytes ||
                (list[i] = malloc(size[i])) == NULL)
                continue;
            data = list[i];
            *bytes = size[i];
            break;
        }
    if (data && clGetProgramInfo(program, CL_PROGRAM_BINARIES, n * sizeof(unsigned char *), list,
                                 NULL) != CL_SUCCESS) {
        free(data);
        data = NULL;
    }
    free(list);
    free(size);
    free(id);
    return data;
}

/* A name nobody else writes to, then the whole entry, then its own name. */
static int write_entry(int dir, const char *key, const unsigned char *data, size_t bytes)
{
    static int64_t serial; /* atomic: threads of this process */
    char name[DC_CL_KEY_BYTES + 8], temporary[160];
    entry_header header;
    memset(&header, 0, sizeof header);
    memcpy(header.magic, magic, sizeof magic);
    header.format = FORMAT;
    memcpy(header.key, key, DC_CL_KEY_BYTES);
    header.bytes = bytes;
    digest_of(data, bytes, header.digest);
    entry_name(key, name);
    snprintf(temporary, sizeof temporary, "%s.%ld.%lld.tmp", key, (long)getpid(),
             (long long)__atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    const int fd =
        openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return 0;
    int good = write_all(fd, &header, sizeof header) && write_all(fd, data, bytes);
    good = close(fd) == 0 && good;
    good = good && renameat(dir, temporary, dir, name) == 0;
    if (!good)
        (void)unlinkat(dir, temporary, 0);
    return good;
}

void dc__cl_cache_store(dc_cl_device *device, const char key[DC_CL_KEY_BYTES], cl_program program)
{
    size_t bytes = 0;
    const int dir = open_directory(device, 1);
    if (dir < 0)
        return;
    unsigned char *data = binary_of(device, program, &bytes);
    if (data == NULL || !write_entry(dir, key, data, bytes))
        dc__log(device->context, 2, "program cache: an entry could not be written to %s",
                dc__context_cache_dir(device->context));
    free(data);
    close(dir);
}
