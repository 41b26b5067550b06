/* Output files that appear whole or not at all: written under a temporary name in the same
 * directory, then renamed. */
#ifndef DC_TOOLS_OUTFILE_H
#define DC_TOOLS_OUTFILE_H

#include <stddef.h>
#include <stdint.h>

typedef struct outfile {
    char path[4096], temporary[4096];
    int fd;   /* -1: not open */
    int slot; /* among those removed on interruption */
} outfile;

/* Create the temporary file and reserve `bytes` of space (0: none).  0, or an exit code after a
 * message that names the path. */
int outfile_open(outfile *file, const char *path, uint64_t bytes);
int outfile_write(outfile *file, const void *data, size_t bytes);
/* Give it its name. */
int outfile_commit(outfile *file);
/* Remove it; fine after a commit, too. */
void outfile_discard(outfile *file);

/* Remove every temporary file that is open; safe in a signal handler. */
void outfile_remove_all(void);

#endif
