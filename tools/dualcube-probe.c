/* dualcube-probe MODULE SECONDS: load the OpenCL module, let it list the devices, write the records
 * to standard output.  Run by the library, which kills it when it does not answer. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: dualcube-probe MODULE SECONDS (run by libdualcube)\n");
        return 2;
    }
    /* A second line of defence: the library's own limit is the first. */
    alarm((unsigned)strtoul(argv[2], NULL, 10) + 2);
    prctl(PR_SET_DUMPABLE, 0); /* a driver's crash is expected here: no core file */
    /* Drivers print: only the records may reach the reader. */
    const int answer = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    if (answer < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return 3;
    void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        /* Not "DCPROBE": text for the library to show. */
        char text[256];
        const char *why = dlerror();
        snprintf(text, sizeof text, "%s", why ? why : "unknown reason");
        const char mark[8] = "DCNOLIB";
        if (write(answer, mark, sizeof mark) != (ssize_t)sizeof mark ||
            write(answer, text, sizeof text) != (ssize_t)sizeof text)
            return 3;
        _exit(4);
    }
    int (*probe)(int) = NULL;
    /* ISO C has no cast from void * to a function pointer. */
    *(void **)&probe = dlsym(module, "dc_module_probe");
    if (probe == NULL)
        _exit(5);
    /* _exit: drivers' exit handlers are none of our business. */
    _exit(probe(answer));
}
