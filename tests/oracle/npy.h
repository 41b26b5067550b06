/* A dense float32 or float64 .npy file of the measured data, read whole. */
#ifndef DCT_NPY_H
#define DCT_NPY_H

#include <stddef.h>
#include <stdint.h>

typedef struct dct_npy {
    int32_t dtype;    /* DC_F32 or DC_F64 */
    int64_t elements; /* in file order    */
    void *data;
} dct_npy;

/* `name` in DUALCUBE_TEST_DATA, or in ../shared/data beside the source tree.  0, or -1 with the
 * reason. */
int dct_npy_open(const char *name, dct_npy *npy, char *reason, size_t bytes);
double dct_npy_at(const dct_npy *npy, int64_t i);
void dct_npy_close(dct_npy *npy);

#endif
