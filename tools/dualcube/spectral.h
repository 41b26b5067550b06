/* The job of `dualcube spectral`: spectra of the series of a file, and what is told from them. */
#ifndef DC_TOOLS_SPECTRAL_H
#define DC_TOOLS_SPECTRAL_H

#include "tools/dualcube/npy.h"
#include "tools/dualcube/outfile.h"
#include "tools/dualcube/session.h"

/* What the axis of the series becomes, and which axes follow the others. */
enum {
    SPECTRAL_BINS,    /* bins                          */
    SPECTRAL_PARTS,   /* bins; real, imaginary         */
    SPECTRAL_TIMES,   /* bins; windows                 */
    SPECTRAL_SPECTRA, /* bins; windows; real, imaginary */
    SPECTRAL_FRAMES,  /* windows; bands or features    */
    SPECTRAL_ROWS,    /* rows; bands                   */
    SPECTRAL_LAGS,    /* lags                          */
    SPECTRAL_PERIOD   /* period, strength, share       */
};

typedef struct spectral_verb {
    const char *name, *op; /* "welch", "spectral_welch" */
    int form;
    int share;     /* noverlap is nperseg / share by default; 0: none             */
    int64_t usual; /* nperseg by default, at most the series; 0: the whole series */
    const char *about;
} spectral_verb;

enum { SPECTRAL_LIST = 256 }; /* bands at most */

typedef struct spectral_job {
    const spectral_verb *verb;
    dc_op_info op;
    const char *input, *output;
    session_options where;
    session session;
    int64_t memory; /* bytes of input and output that are worked on at a time */
    int print_json;
    dc_spectral_params p; /* what was asked for */
    int64_t axis;         /* as written */
    double bands[2 * SPECTRAL_LIST];

    npy_file file;
    npy_type type; /* of the output */
    dc_array src;  /* the file */
    int32_t ndim;  /* of the output, whose first axes are those of the file */
    int64_t shape[DC_MAX_NDIM];
    int64_t block[DC_MAX_NDIM]; /* extents of src that are computed at a time */
    int64_t nfft, frames;       /* of a series; 0: no transform of a length of its own */
    char *map;                  /* the output file */
    size_t head, map_bytes;
    dc_run_info run; /* of the last block */
    int64_t calls;
    double seconds;
} spectral_job;

/* Axes, shape, blocks: CLI_USAGE after a message. */
int spectral_arrange(spectral_job *job);
/* Compute every block into the mapped output. */
int spectral_compute(spectral_job *job);

#endif
