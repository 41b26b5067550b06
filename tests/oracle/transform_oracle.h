/* Rearranged cubes by their definition, one element at a time: shares no line with the
 * implementation. */
#ifndef DCT_TRANSFORM_ORACLE_H
#define DCT_TRANSFORM_ORACLE_H

#include "dualcube/dualcube.h"

/* Bits of dst's element at `index` (one number for each axis), for host arrays; computed NaNs are
 * the one quiet NaN.  `where` receives its place in row-major order. */
uint64_t dct_transform_element(const dc_transform_params *p, const int64_t *index, int64_t *where);

#endif
