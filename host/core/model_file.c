/* Models as bytes and files.
 *
 *     0  "DCMODEL\n"         16  u64 bytes in all      32  kind, padded to 8
 *     8  u32 version, 1      24  u32 entries               entries
 *    12  u32 CRC-32C of      28  u32 bytes of kind
 *        what follows
 *
 * An entry: u32 type, u32 bytes of name, u32 dtype, u32 ndim, u64 bytes of data, u64 shape[ndim];
 * name and data, each padded to 8.  ARRAY: dense elements.  NUMBER: a float64.  TEXT: UTF-8.
 * Numbers are little-endian, padding is 0, and nothing is left over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/core/checksum.h"
#include "host/core/error.h"
#include "host/core/model.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "arrays are written as they lie in memory, which must be little-endian"
#endif

static const char magic[8] = {'D', 'C', 'M', 'O', 'D', 'E', 'L', '\n'};
enum { VERSION = 1, HEAD = 32, ENTRY = 24, CHECKED = 16, PATH_ROOM = 4096 };

static size_t padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* ---- out --------------------------------------------------------------------------------------
 */

/* Counts, and writes where there is room. */
typedef struct writer {
    unsigned char *bytes;
    size_t room, at;
} writer;

static void put(writer *w, const void *data, size_t n)
{
    if (w->bytes && n && w->at + n <= w->room)
        memcpy(w->bytes + w->at, data, n);
    w->at += n;
}

static void put_padded(writer *w, const void *data, size_t n)
{
    static const unsigned char zero[8] = {0};

    put(w, data, n);
    put(w, zero, padded(n) - n);
}

static void put_u32(writer *w, uint32_t n)
{
    put(w, &n, sizeof n);
}

static void put_u64(writer *w, uint64_t n)
{
    put(w, &n, sizeof n);
}

static void put_item(writer *w, const dc_model_item *item)
{
    const int number = item->type == DC_MODEL_NUMBER;
    const size_t bytes = number ? sizeof item->number : item->bytes;

    put_u32(w, (uint32_t)item->type);
    put_u32(w, (uint32_t)strlen(item->name));
    put_u32(w, (uint32_t)item->dtype);
    put_u32(w, (uint32_t)item->ndim);
    put_u64(w, bytes);
    for (int32_t d = 0; d < item->ndim; ++d)
        put_u64(w, (uint64_t)item->shape[d]);
    put_padded(w, item->name, strlen(item->name));
    put_padded(w, number ? (const void *)&item->number : item->data, bytes);
}

static void put_model(writer *w, const dc_model *model)
{
    put(w, magic, sizeof magic);
    put_u32(w, VERSION);
    put_u32(w, 0);
    put_u64(w, 0);
    put_u32(w, (uint32_t)model->count);
    put_u32(w, (uint32_t)strlen(model->kind));
    put_padded(w, model->kind, strlen(model->kind));
    for (int32_t i = 0; i < model->count; ++i)
        put_item(w, &model->item[i]);
}

dc_status dc_model_save_bytes(const dc_model *model, void *bytes, size_t room, size_t *size)
{
    writer w = {bytes, room, 0};
    uint64_t total;
    uint32_t crc;

    DC_REQUIRE(model && size, DC_E_ARGUMENT, "dc_model_save_bytes: %s is NULL",
               model ? "size" : "model");
    put_model(&w, model);
    *size = w.at;
    if (!bytes)
        return DC_OK;
    DC_REQUIRE(w.at <= room, DC_E_ARGUMENT,
               "dc_model_save_bytes: room is %zu, must be at least %zu", room, w.at);
    total = w.at;
    memcpy(w.bytes + CHECKED, &total, sizeof total);
    crc = dc__crc32c(0, w.bytes + CHECKED, w.at - CHECKED);
    memcpy(w.bytes + 12, &crc, sizeof crc);
    return DC_OK;
}

/* ---- in ---------------------------------------------------------------------------------------
 */

typedef struct reader {
    const unsigned char *bytes;
    size_t size, at;
} reader;

static uint32_t get_u32(const unsigned char *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof n);
    return n;
}

static uint64_t get_u64(const unsigned char *at)
{
    uint64_t n;
    memcpy(&n, at, sizeof n);
    return n;
}

/* The next `n` bytes and their padding; NULL where the file is too short or the padding not 0. */
static const unsigned char *take(reader *r, uint64_t n)
{
    const unsigned char *at = r->bytes + r->at;
    const size_t left = r->size - r->at;

    if (n > left || padded((size_t)n) > left)
        return NULL;
    for (size_t i = (size_t)n; i < padded((size_t)n); ++i)
        if (at[i])
            return NULL;
    r->at += padded((size_t)n);
    return at;
}

/* Elements of an array against its bytes. */
static int shape_fits(const dc_model_item *item)
{
    int64_t n = (int64_t)dc_dtype_bytes(item->dtype);

    if (n == 0 || item->ndim < 1)
        return 0;
    for (int32_t d = 0; d < item->ndim; ++d)
        if (item->shape[d] < 0 || __builtin_mul_overflow(n, item->shape[d], &n))
            return 0;
    return (uint64_t)n == item->bytes;
}

static dc_status read_head(reader *r, dc_model_item *item, int32_t index, uint32_t *length)
{
    const unsigned char *head = take(r, ENTRY);

    DC_REQUIRE(head, DC_E_ARGUMENT, "model: entry %d is cut off", (int)index);
    item->type = (int32_t)get_u32(head);
    *length = get_u32(head + 4);
    item->dtype = (int32_t)get_u32(head + 8);
    item->ndim = (int32_t)get_u32(head + 12);
    DC_REQUIRE(item->type >= DC_MODEL_ARRAY && item->type <= DC_MODEL_TEXT, DC_E_ARGUMENT,
               "model: entry %d has the type %d, known are 1 to 3", (int)index, (int)item->type);
    DC_REQUIRE(item->ndim >= 0 && item->ndim <= DC_MAX_NDIM, DC_E_ARGUMENT,
               "model: entry %d has %d axes, at most %d are possible", (int)index, (int)item->ndim,
               DC_MAX_NDIM);
    DC_REQUIRE(item->type == DC_MODEL_ARRAY || (item->ndim == 0 && item->dtype == 0), DC_E_ARGUMENT,
               "model: entry %d has axes or a dtype but is no array", (int)index);
    DC_REQUIRE(get_u64(head + 16) <= r->size, DC_E_ARGUMENT,
               "model: entry %d has %llu bytes, the file has %zu", (int)index,
               (unsigned long long)get_u64(head + 16), r->size);
    item->bytes = (size_t)get_u64(head + 16);
    for (int32_t d = 0; d < item->ndim; ++d) {
        const unsigned char *at = take(r, 8);
        DC_REQUIRE(at, DC_E_ARGUMENT, "model: entry %d is cut off", (int)index);
        item->shape[d] = (int64_t)get_u64(at);
    }
    return DC_OK;
}

/* Everything is checked before memory is asked for, and that is never more than the file has. */
static dc_status read_item(reader *r, dc_model *model, int32_t index)
{
    dc_model_item item = {0};
    const unsigned char *name, *data;
    uint32_t length = 0;

    DC_TRY(read_head(r, &item, index, &length));
    name = take(r, length);
    DC_REQUIRE(name && dc__model_name_fits((const char *)name, length), DC_E_ARGUMENT,
               "model: the name of entry %d is not one", (int)index);
    memcpy(item.name, name, length);
    DC_REQUIRE(!dc__model_item(model, item.name), DC_E_ARGUMENT,
               "model: the name %s is there twice", item.name);
    data = take(r, item.bytes);
    DC_REQUIRE(data, DC_E_ARGUMENT, "model: the data of %s is cut off", item.name);
    DC_REQUIRE(item.type != DC_MODEL_ARRAY || shape_fits(&item), DC_E_ARGUMENT,
               "model: the shape of %s does not agree with its %zu bytes", item.name, item.bytes);
    DC_REQUIRE(item.type != DC_MODEL_TEXT || !memchr(data, 0, item.bytes), DC_E_ARGUMENT,
               "model: the text %s has a zero byte in it", item.name);
    DC_REQUIRE(item.type != DC_MODEL_NUMBER || item.bytes == sizeof item.number, DC_E_ARGUMENT,
               "model: the number %s has %zu bytes, must have 8", item.name, item.bytes);
    if (item.type == DC_MODEL_NUMBER) {
        memcpy(&item.number, data, sizeof item.number);
        item.bytes = 0;
    } else {
        char *copy = malloc(item.bytes + 1);
        DC_REQUIRE(copy, DC_E_MEMORY, "model: out of memory");
        memcpy(copy, data, item.bytes);
        copy[item.bytes] = 0;
        item.data = copy;
    }
    const dc_status status = dc__model_put(model, &item);
    if (status != DC_OK)
        free(item.data);
    return status;
}

static dc_status read_model(reader *r, uint32_t entries, dc_model *model)
{
    for (uint32_t i = 0; i < entries; ++i)
        DC_TRY(read_item(r, model, (int32_t)i));
    DC_REQUIRE(r->at == r->size, DC_E_ARGUMENT, "model: %zu bytes are left over", r->size - r->at);
    return DC_OK;
}

dc_status dc_model_load_bytes(const void *bytes, size_t size, dc_model **out)
{
    reader r = {bytes, size, HEAD};
    char kind[DC_MODEL_NAME + 1] = {0};
    const unsigned char *name;
    dc_model *model;
    uint32_t length = 0;

    DC_REQUIRE(bytes && out, DC_E_ARGUMENT, "dc_model_load_bytes: %s is NULL",
               out ? "bytes" : "out");
    *out = NULL;
    DC_REQUIRE(size >= HEAD && memcmp(bytes, magic, sizeof magic) == 0, DC_E_ARGUMENT,
               "model: these %zu bytes are no model", size);
    DC_REQUIRE(get_u32(r.bytes + 8) == VERSION, DC_E_ARGUMENT,
               "model: it has version %u, this library (%s) reads %d", get_u32(r.bytes + 8),
               DC_VERSION_STRING, VERSION);
    DC_REQUIRE(get_u64(r.bytes + CHECKED) == size, DC_E_ARGUMENT,
               "model: it says that it has %llu bytes, and has %zu",
               (unsigned long long)get_u64(r.bytes + CHECKED), size);
    DC_REQUIRE(dc__crc32c(0, r.bytes + CHECKED, size - CHECKED) == get_u32(r.bytes + 12),
               DC_E_ARGUMENT, "model: its checksum is wrong: it is damaged");
    DC_REQUIRE(get_u32(r.bytes + 24) <= DC_MODEL_ENTRIES, DC_E_ARGUMENT,
               "model: it has %u entries, at most %d are possible", get_u32(r.bytes + 24),
               DC_MODEL_ENTRIES);
    length = get_u32(r.bytes + 28);
    name = take(&r, length);
    DC_REQUIRE(name && dc__model_name_fits((const char *)name, length), DC_E_ARGUMENT,
               "model: its kind is not a name");
    memcpy(kind, name, length);
    DC_TRY(dc_model_new(kind, &model));
    const dc_status status = read_model(&r, get_u32(r.bytes + 24), model);
    if (status == DC_OK)
        *out = model;
    else
        dc_model_free(model);
    return status;
}

/* ---- files ------------------------------------------------------------------------------------
 */

static dc_status io_failed(const char *path, const char *what)
{
    return dc__fail(DC_E_IO, "%.200s: %s: %s", path, what, strerror(errno));
}

static int write_all(int fd, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static dc_status write_file(const char *path, const unsigned char *bytes, size_t size)
{
    static int64_t serial; /* atomic: files of one process do not meet */
    char temporary[PATH_ROOM];
    dc_status status = DC_OK;
    int fd;

    DC_REQUIRE(snprintf(temporary, sizeof temporary, "%s.%ld-%lld.tmp", path, (long)getpid(),
                        (long long)__atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED)) < PATH_ROOM,
               DC_E_ARGUMENT, "dc_model_save: path has more than %d bytes", PATH_ROOM - 64);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return io_failed(path, "cannot be written");
    if (write_all(fd, bytes, size) != 0 || fsync(fd) != 0)
        status = io_failed(path, "cannot be written");
    if (close(fd) != 0 && status == DC_OK)
        status = io_failed(path, "cannot be written");
    if (status == DC_OK && rename(temporary, path) != 0)
        status = io_failed(path, "cannot be renamed to");
    if (status != DC_OK)
        (void)unlink(temporary);
    return status;
}

dc_status dc_model_save(const dc_model *model, const char *path)
{
    unsigned char *bytes;
    dc_status status;
    size_t size;

    DC_REQUIRE(path, DC_E_ARGUMENT, "dc_model_save: path is NULL");
    DC_TRY(dc_model_save_bytes(model, NULL, 0, &size));
    bytes = malloc(size);
    DC_REQUIRE(bytes, DC_E_MEMORY, "dc_model_save: out of memory");
    status = dc_model_save_bytes(model, bytes, size, &size);
    if (status == DC_OK)
        status = write_file(path, bytes, size);
    free(bytes);
    return status;
}

static dc_status read_file(int fd, const char *path, dc_model **out)
{
    unsigned char *bytes;
    struct stat st;
    size_t size, done = 0;
    dc_status status;

    if (fstat(fd, &st) != 0)
        return io_failed(path, "cannot be read");
    DC_REQUIRE(S_ISREG(st.st_mode), DC_E_IO, "%.200s: is not a file", path);
    size = (size_t)st.st_size;
    bytes = malloc(size + 1);
    DC_REQUIRE(bytes, DC_E_MEMORY, "dc_model_load: no memory for the %zu bytes of %.200s", size,
               path);
    while (done < size) {
        const ssize_t n = read(fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    status =
        done < size ? io_failed(path, "cannot be read") : dc_model_load_bytes(bytes, size, out);
    free(bytes);
    return status;
}

dc_status dc_model_load(const char *path, dc_model **out)
{
    dc_status status;
    int fd;

    DC_REQUIRE(path && out, DC_E_ARGUMENT, "dc_model_load: %s is NULL", path ? "out" : "path");
    *out = NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return io_failed(path, "cannot be opened");
    status = read_file(fd, path, out);
    (void)close(fd);
    return status;
}
