/* The page of plots is made by the Python package, when there is one with matplotlib. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/dualcube/features.h"

extern char **environ;

enum { UP = 3, WORD = 512 };

/* Directory of this program, "" when unknown. */
static void own_directory(char *out, size_t room)
{
    ssize_t n = readlink("/proc/self/exe", out, room - 1);

    out[n > 0 ? n : 0] = 0;
    if (strrchr(out, '/'))
        *strrchr(out, '/') = 0;
}

/* Find `name` in this program's directory or up to UP directories above it. */
static int find_above(const char *name, char *out, size_t room)
{
    char directory[PATH_MAX];

    own_directory(directory, sizeof directory);
    for (int k = 0; k <= UP && *directory; ++k) {
        if ((size_t)snprintf(out, room, "%s/%s", directory, name) < room && !access(out, R_OK))
            return 1;
        if (!strrchr(directory, '/'))
            break;
        *strrchr(directory, '/') = 0;
    }
    return 0;
}

/* The project's own environment first, then the caller's. */
static void find_python(char *out, size_t room)
{
    const char *named = getenv("DUALCUBE_PYTHON");

    if (named && *named)
        snprintf(out, room, "%s", named);
    else if (!find_above(".venv/bin/python3", out, room))
        snprintf(out, room, "%s",
                 access(".venv/bin/python3", X_OK) ? "python3" : ".venv/bin/python3");
}

/* The package uses the library that this program uses; in a source tree it lies beside it. */
static void set_environment(void)
{
    Dl_info library;
    char found[PATH_MAX], path[2 * PATH_MAX], *end;
    const char *old = getenv("PYTHONPATH");

    if (find_above("host/python/dualcube/__init__.py", found, sizeof found)) {
        end = strstr(found, "/dualcube/__init__.py");
        *end = 0;
        snprintf(path, sizeof path, "%s%s%s", found, old && *old ? ":" : "", old ? old : "");
        setenv("PYTHONPATH", path, 1);
    }
    if (dladdr((const void *)(uintptr_t)dc_version, &library) && library.dli_fname &&
        realpath(library.dli_fname, found))
        setenv("DUALCUBE_LIBRARY", found, 0);
    setenv("MPLBACKEND", "Agg", 1);
}

/* Read all that `fd` says, keep the last line. */
static void read_last_line(int fd, char *line, size_t room)
{
    char text[4096];
    size_t n = 0;
    ssize_t got;
    char *last;

    for (;;) {
        if (n > sizeof text / 2) {
            memmove(text, text + n - sizeof text / 4, sizeof text / 4);
            n = sizeof text / 4;
        }
        got = read(fd, text + n, sizeof text - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    text[n] = 0;
    while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
        text[--n] = 0;
    last = strrchr(text, '\n');
    cli_format(line, room, "%s", last ? last + 1 : text);
}

/* Run the report; 0 when it ended with 0, else `why` says why not. */
static int report(const features_job *job, char *why, size_t room)
{
    char python[PATH_MAX];
    char *arguments[] = {python,
                         "-m",
                         "dualcube.report",
                         "--features",
                         (char *)(uintptr_t)job->output,
                         "--input",
                         (char *)(uintptr_t)job->input,
                         "-o",
                         (char *)(uintptr_t)job->page,
                         NULL};
    posix_spawn_file_actions_t actions;
    int pipes[2], status = -1, error;
    pid_t child;

    find_python(python, sizeof python);
    set_environment();
    if (pipe(pipes)) {
        snprintf(why, room, "%s", strerror(errno));
        return -1;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
    posix_spawn_file_actions_addclose(&actions, pipes[0]);
    error = posix_spawnp(&child, python, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    if (!error)
        read_last_line(pipes[0], why, room);
    close(pipes[0]);
    if (error) {
        cli_format(why, room, "%s: %s", python, strerror(error));
        return -1;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return -1;
    return 0;
}

int features_page(const features_job *job, int *written)
{
    char why[WORD] = "";
    struct stat st;

    *written = 0;
    if (!*job->page)
        return 0;
    fflush(stdout);
    if (!report(job, why, sizeof why) && !stat(job->page, &st)) {
        *written = 1;
        return 0;
    }
    if (cli_interrupted())
        return cli_fail(CLI_INTERRUPTED, "interrupted; the page was not written");
    if (job->page_asked)
        return cli_fail(CLI_FAILED, "the page %s was not written: %s", job->page, why);
    if (!job->print_json)
        printf("%-10s skipped: %s\n", "page", *why ? why : "the report gave no reason");
    return 0;
}
