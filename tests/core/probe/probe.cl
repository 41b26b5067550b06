#include "tests/core/probe/args.h"

#define INPUT(i) __global const T *x##i, dc_i64 at##i,
#define ADD(i)   y = y + weight[i] * x##i[at##i + r * stride[2 * i] + t * stride[2 * i + 1]];

__kernel void FN(probe_mix)(PROBE_EACH(INPUT) __global T *mixed, dc_i64 mixed_at, __global T *out,
                            dc_i64 out_at, __global const T *weight, __global const dc_i64 *stride,
                            probe_mix_args a, dc_launch launch)
{
    const dc_i64 i = get_global_id(0), r = i / a.n, t = i % a.n;
    T y = 0;

    if (i >= launch.p[0])
        return;
    PROBE_EACH(ADD)
    mixed[mixed_at + i] = y;
    out[out_at + r * a.out_stride[0] + t * a.out_stride[1]] = y;
}

__kernel void FN(probe_power)(__global const T *spectrum, dc_i64 spectrum_at, __global T *power,
                              dc_i64 power_at, probe_power_args a, dc_launch launch)
{
    const dc_i64 i = get_global_id(0);
    T re, im;

    if (i >= launch.p[0])
        return;
    re = spectrum[spectrum_at + 2 * i];
    im = spectrum[spectrum_at + 2 * i + 1];
    power[power_at + i] = re * re + im * im;
}
