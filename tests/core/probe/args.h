/* What the probe's kernel and its mirror agree on. */
#ifndef DC_TESTS_PROBE_ARGS_H
#define DC_TESTS_PROBE_ARGS_H

#include "kernels/shared/base.h"

enum { PROBE_INPUTS = 40 };

/* M(i) for every input. */
/* clang-format off */
#define PROBE_EACH(M) \
    M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) \
    M(10) M(11) M(12) M(13) M(14) M(15) M(16) M(17) M(18) M(19) \
    M(20) M(21) M(22) M(23) M(24) M(25) M(26) M(27) M(28) M(29) \
    M(30) M(31) M(32) M(33) M(34) M(35) M(36) M(37) M(38) M(39)
/* clang-format on */

/* probe_mix: y[r, t] = (...(w0 x0[r, t] + w1 x1[r, t]) + ...), oldest input first.  The table of
 * strides holds row and column strides of input i at 2 i and 2 i + 1, in elements. */
typedef struct probe_mix_args {
    dc_i64 rows, n;
    dc_i64 out_stride[2];
} probe_mix_args;

/* probe_power: p[i] = re[i] re[i] + im[i] im[i], `count` values. */
typedef struct probe_power_args {
    dc_i64 count;
} probe_power_args;

#endif
