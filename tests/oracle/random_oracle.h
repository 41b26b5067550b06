/* Random numbers by their definition: shares no line with the implementation. */
#ifndef DCT_RANDOM_ORACLE_H
#define DCT_RANDOM_ORACLE_H

#include <stdint.h>

#include "dualcube/dualcube.h"

/* A block of Philox4x32-10. */
void dct_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Value `at` of the sequence of p's kind, seed and dtype: uniform on [0, 1), or normal with mean 0
 * and std 1. */
long double dct_random_value(const dc_random_params *p, uint64_t at);

#endif
