/* The built-in sample: sensor-like columns with a daily and a weekly season, trends, noise and
 * planted faults.  Integer arithmetic throughout, so the bytes are the same everywhere. */
#ifndef DC_TOOLS_SAMPLE_H
#define DC_TOOLS_SAMPLE_H

#include <stdint.h>

typedef struct sample_options {
    int64_t rows, columns;
    uint64_t seed;
    int32_t dtype; /* DC_F32, DC_F64: the same values */
} sample_options;
#define SAMPLE_OPTIONS_INIT                                                                        \
    {                                                                                              \
        20000, 16, 1, 2                                                                            \
    }

/* Write the cube as .npy; 0, or an exit code after a message. */
int sample_write(const sample_options *options, const char *path);

#endif
