/* A private family that uses everything the core offers: launches, FFT, GEMM, copies and host
 * functions, three outputs, forty inputs, constant tables, a saved model, a mergeable state.
 *
 *   probe_digest  in[i][rows, n], i < 40                       model: 40 weights, projection[bins,
 * k] mixed[rows, n]   = weighted sum of the inputs (EXACT) scores[rows, k]  = |rfft(mixed)|^2
 * projection, bins = n / 2 + 1 (NORMWISE) state[4]         = mergeable state of `mixed`, always
 * float64 (EXACT) probe_fft     in[0] -> out[0], one FFT step probe_gemm    in[0] in[1] (in[2]
 * holds C) -> out[0], one GEMM step between copies
 */
#ifndef DC_TESTS_PROBE_FAMILY_H
#define DC_TESTS_PROBE_FAMILY_H

#include "host/core/registry.h"
#include "tests/core/probe/args.h"

enum { PROBE_MIX = 10000, PROBE_POWER, PROBE_DIGEST, PROBE_FFT, PROBE_GEMM };
enum { PROBE_STATE = 4, PROBE_OUTPUTS = 3 };

typedef struct probe_model {
    int64_t bins, outputs;
    double weight[PROBE_INPUTS];
    double *projection; /* [bins, outputs], owned */
} probe_model;

typedef struct probe_params {
    uint32_t struct_size;
    int32_t reserved;
    dc_array in[PROBE_INPUTS];
    dc_array out[PROBE_OUTPUTS]; /* mixed, scores, state */
    const probe_model *model;
    dc_fft_step fft;
    dc_gemm_step gemm;
} probe_params;

const dc_family *probe_family(void);
probe_params probe_params_init(void);

/* State: rows, the exact sum of the values in units of 2^-20 (below 2^62) as two float64 (high *
 * 2^32 + low) and the largest magnitude in these units.  Merging is associative and commutative in
 * bits. */
void probe_state_merge(double *into, const double *other);

/* A file that is whole or absent; loading refuses what is damaged. */
dc_status probe_model_save(const probe_model *model, const char *path);
dc_status probe_model_load(probe_model *model, const char *path);
void probe_model_free(probe_model *model);

#endif
