#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/core/discovery.h"

extern char **environ;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A copy of the environment with OCL_ICD_VENDORS=`assignment`; the strings are shared. */
static char **environment_with(char *assignment)
{
    size_t n = 0, kept = 0;
    while (environ && environ[n])
        ++n;
    char **copy = malloc((n + 2) * sizeof *copy);
    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < n; ++i)
        if (strncmp(environ[i], "OCL_ICD_VENDORS=", 16) != 0)
            copy[kept++] = environ[i];
    copy[kept++] = assignment;
    copy[kept] = NULL;
    return copy;
}

/* The helper gets an ordinary signal state, its own process group (so that what a driver starts
 * dies with it), no descriptors of ours but the pipe, and silence on its other streams. */
static int spawn_child(const char *helper, char *const *argv, char **environment, int out,
                       pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    int error = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    error |= posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    error |= posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    error |= posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
#endif
#endif
    error |= posix_spawnattr_setsigmask(&attributes, &none);
    error |= posix_spawnattr_setsigdefault(&attributes, &all);
    error |= posix_spawnattr_setpgroup(&attributes, 0);
    error |= posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                       POSIX_SPAWN_SETPGROUP);
    if (error == 0)
        error = posix_spawn(pid, helper, &files, &attributes, argv, environment);
    else
        error = ENOMEM;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* The pipe's write end must not be 0 or 2, which the child overwrites first. */
static int pipe_above_streams(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    for (int i = 0; i < 2; ++i) {
        if (ends[i] > STDERR_FILENO)
            continue;
        const int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (moved < 0) {
            close(ends[0]);
            close(ends[1]);
            return -1;
        }
        close(ends[i]);
        ends[i] = moved;
    }
    return 0;
}

/* Start one helper; on failure run->started stays 0 and exit_status holds errno. */
static void start(const char *helper, const char *module_path, int timeout_ms, dc_probe_run *run)
{
    char seconds[16];
    int ends[2];
    pid_t pid = -1;
    run->pid = run->fd = -1;
    run->exit_status = ENOMEM;
    snprintf(seconds, sizeof seconds, "%d", timeout_ms / 1000 + 1);
    char *assignment = NULL, **environment = environ;
    if (run->vendors) {
        const size_t n = strlen(run->vendors) + 17;
        assignment = malloc(n);
        environment = NULL;
        if (assignment) {
            snprintf(assignment, n, "OCL_ICD_VENDORS=%s", run->vendors);
            environment = environment_with(assignment);
        }
        if (environment == NULL) {
            free(assignment);
            return;
        }
    }
    if (pipe_above_streams(ends) == 0) {
        /* posix_spawn promises not to write through argv. */
        char *argv[] = {(char *)(uintptr_t)helper, (char *)(uintptr_t)module_path, seconds, NULL};
        run->exit_status = spawn_child(helper, argv, environment, ends[1], &pid);
        close(ends[1]);
        if (run->exit_status == 0) {
            run->started = 1;
            run->pid = pid;
            run->fd = ends[0];
        } else {
            close(ends[0]);
        }
    } else {
        run->exit_status = errno;
    }
    if (run->vendors)
        free(environment);
    free(assignment);
}

/* Read what is there; at the end of the stream fd becomes -1. */
static void read_some(dc_probe_run *run)
{
    char *to = (char *)&run->answer + run->got, spill[64];
    const size_t room = sizeof run->answer - run->got;
    /* A helper that writes more than any answer holds is not believed. */
    const ssize_t n = room ? read(run->fd, to, room) : read(run->fd, spill, sizeof spill);
    if (n > 0 && room)
        run->got += (size_t)n;
    else if (n > 0)
        run->answer.header.magic[0] = 0;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        close(run->fd);
        run->fd = -1;
    }
}

/* Collect the exit status, waiting at most until `deadline`; 0: still there. */
static int reap(dc_probe_run *run, int64_t deadline)
{
    for (;;) {
        int status = 0;
        const pid_t got = waitpid(run->pid, &status, WNOHANG);
        if (got == run->pid) {
            run->exit_known = 1;
            run->exit_status = status;
            return 1;
        }
        /* ECHILD: SIGCHLD is ignored or another part of the process collects children. */
        if (got < 0 && errno != EINTR)
            return 1;
        if (now_ms() >= deadline)
            return 0;
        const struct timespec nap = {0, 1000000};
        nanosleep(&nap, NULL);
    }
}

static void stop(dc_probe_run *run, int64_t deadline)
{
    if (!run->started)
        return;
    if (run->fd >= 0) { /* it still holds the pipe, so the pid is its own */
        run->timed_out = 1;
        kill(-run->pid, SIGKILL);
        kill(run->pid, SIGKILL);
        close(run->fd);
        run->fd = -1;
    } else if (reap(run, deadline)) {
        return;
    } else {
        kill(run->pid, SIGKILL);
    }
    /* Only a process stuck in the kernel outlives this second. */
    (void)reap(run, now_ms() + 1000);
}

void dc__probe_run(const char *helper, const char *module_path, int timeout_ms, dc_probe_run *run,
                   int runs)
{
    const int64_t deadline = now_ms() + timeout_ms;
    struct pollfd fds[64];
    for (int i = 0; i < runs; ++i)
        start(helper, module_path, timeout_ms, &run[i]);
    for (;;) {
        int open = 0, who[64];
        for (int i = 0; i < runs && open < 64; ++i)
            if (run[i].started && run[i].fd >= 0) {
                who[open] = i;
                fds[open].fd = run[i].fd;
                fds[open].events = POLLIN;
                fds[open++].revents = 0;
            }
        const int64_t left = deadline - now_ms();
        if (open == 0 || left <= 0)
            break;
        if (poll(fds, (nfds_t)open, (int)left) <= 0)
            continue;
        for (int i = 0; i < open; ++i)
            if (fds[i].revents)
                read_some(&run[who[i]]);
    }
    for (int i = 0; i < runs; ++i)
        stop(&run[i], deadline);
}

static void terminate_texts(dc_device_info *info)
{
    char *const text[] = {info->id,       info->name, info->vendor, info->driver,
                          info->platform, info->pci,  info->error};
    const size_t bytes[] = {sizeof info->id,     sizeof info->name,     sizeof info->vendor,
                            sizeof info->driver, sizeof info->platform, sizeof info->pci,
                            sizeof info->error};
    for (size_t i = 0; i < sizeof text / sizeof *text; ++i) {
        text[i][bytes[i] - 1] = 0;
        for (char *c = text[i]; *c; ++c) /* a terminal will show it */
            if ((unsigned char)*c < 32 || *c == 127)
                *c = '?';
    }
}

static int sane(dc_probe_run *run)
{
    const dc_probe_header *h = &run->answer.header;
    if (run->got < sizeof *h || memcmp(h->magic, DC_PROBE_MAGIC, sizeof h->magic) != 0 ||
        h->record_bytes != sizeof(dc_device_info) || h->count < 0 || h->count > DC_PROBE_ROOM ||
        run->got != sizeof *h + (size_t)h->count * sizeof(dc_device_info))
        return 0;
    run->answer.header.text[sizeof h->text - 1] = 0;
    for (int32_t i = 0; i < h->count; ++i) {
        dc_device_info *info = &run->answer.list[i];
        terminate_texts(info);
        if (info->struct_size != sizeof *info || info->kind != DC_DEVICE_OPENCL ||
            (info->usable && (info->max_group < 1 || info->global_bytes <= 0 ||
                              info->max_alloc_bytes <= 0 || info->local_bytes < 0)))
            return 0;
        info->usable = info->usable != 0;
        info->fp64 = info->fp64 != 0;
    }
    return 1;
}

int dc__probe_answer(dc_probe_run *run, int timeout_ms, char *why, size_t why_bytes)
{
    static const char no_library[8] = "DCNOLIB";
    const dc_probe_header *h = &run->answer.header;
    if (sane(run))
        return 1;
    if (!run->started)
        snprintf(why, why_bytes, "the probe could not be started: %s", strerror(run->exit_status));
    else if (run->got >= sizeof no_library && !memcmp(h->magic, no_library, sizeof no_library))
        snprintf(why, why_bytes, "the OpenCL module cannot be loaded: %.*s",
                 (int)(run->got - sizeof no_library < 255 ? run->got - sizeof no_library : 255),
                 (const char *)h + sizeof no_library);
    else if (run->timed_out)
        snprintf(why, why_bytes, "did not answer in %g s", timeout_ms * 1e-3);
    else if (run->exit_known && WIFSIGNALED(run->exit_status))
        snprintf(why, why_bytes, "killed by signal %d (%s) while listing devices",
                 WTERMSIG(run->exit_status), strsignal(WTERMSIG(run->exit_status)));
    else if (run->exit_known && WIFEXITED(run->exit_status))
        snprintf(why, why_bytes, "ended with exit code %d while listing devices",
                 WEXITSTATUS(run->exit_status));
    else
        snprintf(why, why_bytes, "ended while listing devices");
    return 0;
}
