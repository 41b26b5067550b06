#include "tools/dualcube/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/dualcube/cli.h"

enum { SLOTS = 8 };

static const char *volatile open_files[SLOTS];

void outfile_remove_all(void)
{
    for (int k = 0; k < SLOTS; ++k)
        if (open_files[k])
            unlink(open_files[k]);
}

static int fail_errno(const outfile *file, int number)
{
    return cli_fail(CLI_FAILED, "%s cannot be written: %s", file->path, strerror(number));
}

/* Where a symbolic link points, so that the rename replaces the file and not the link. */
static int resolve(outfile *file, const char *path)
{
    struct stat st;
    char *real;

    snprintf(file->path, sizeof file->path, "%s", path);
    if (!*path || strlen(path) + 16 > sizeof file->temporary)
        return fail_errno(file, *path ? ENAMETOOLONG : ENOENT);
    if (stat(path, &st))
        return errno == ENOENT ? 0 : fail_errno(file, errno);
    if (S_ISDIR(st.st_mode))
        return fail_errno(file, EISDIR);
    if (!S_ISREG(st.st_mode))
        return cli_fail(CLI_FAILED, "%s cannot be written: not a regular file", path);
    if (access(path, W_OK))
        return fail_errno(file, errno);
    real = realpath(path, NULL);
    if (real && strlen(real) + 16 <= sizeof file->temporary)
        snprintf(file->path, sizeof file->path, "%s", real);
    free(real);
    return 0;
}

static int take_slot(outfile *file)
{
    for (int k = 0; k < SLOTS; ++k)
        if (!open_files[k]) {
            open_files[k] = file->temporary;
            return k;
        }
    return -1;
}

int outfile_open(outfile *file, const char *path, uint64_t bytes)
{
    mode_t mask = umask(0);
    int code, error;

    umask(mask);
    file->fd = file->slot = -1;
    code = resolve(file, path);
    if (code)
        return code;
    memcpy(file->temporary, file->path, strlen(file->path) + 1);
    strcat(file->temporary, ".XXXXXX.part");
    file->fd = mkostemps(file->temporary, 5, O_CLOEXEC);
    if (file->fd < 0)
        return fail_errno(file, errno);
    file->slot = take_slot(file);
    (void)fchmod(file->fd, 0666 & ~mask);
    do
        error = bytes ? posix_fallocate(file->fd, 0, (off_t)bytes) : 0;
    while (error == EINTR && !cli_interrupted());
    if (error && error != EINTR && error != EOPNOTSUPP && error != EINVAL) {
        outfile_discard(file);
        return fail_errno(file, error);
    }
    return 0;
}

int outfile_write(outfile *file, const void *data, size_t bytes)
{
    const char *p = data;

    while (bytes) {
        ssize_t n = write(file->fd, p, bytes < INT_MAX ? bytes : INT_MAX);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_errno(file, n < 0 ? errno : EIO);
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

static void forget(outfile *file)
{
    if (file->slot >= 0)
        open_files[file->slot] = NULL;
    file->fd = file->slot = -1;
}

int outfile_commit(outfile *file)
{
    int error = close(file->fd) ? errno : 0;

    if (!error && rename(file->temporary, file->path))
        error = errno;
    if (error)
        unlink(file->temporary);
    forget(file);
    return error ? fail_errno(file, error) : 0;
}

void outfile_discard(outfile *file)
{
    if (file->fd < 0)
        return;
    close(file->fd);
    unlink(file->temporary);
    forget(file);
}
