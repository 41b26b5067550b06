/* Words that both compilers must agree on: included by kernels/ and cpu_fallback/. */
#ifndef DC_SHARED_BASE_H
#define DC_SHARED_BASE_H

#ifdef __OPENCL_VERSION__
#pragma OPENCL FP_CONTRACT OFF
#ifdef DC_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
typedef uchar dc_u8;
typedef ushort dc_u16;
typedef int dc_i32;
typedef uint dc_u32;
typedef long dc_i64;
typedef ulong dc_u64;
/* A double inside a shared struct: same size and place on a device without fp64, never read there.
 */
#ifdef DC_FP64
typedef double dc_f64;
#else
typedef ulong dc_f64;
#endif
#else
#include <stdint.h>
typedef double dc_f64;
typedef uint8_t dc_u8;
typedef uint16_t dc_u16;
typedef int32_t dc_i32;
typedef uint32_t dc_u32;
typedef int64_t dc_i64;
typedef uint64_t dc_u64;
#endif

/* Numbers of one device launch that the family's geometry chose (tile counts, pass index, ...). */
typedef struct dc_launch {
    dc_i64 p[4];
} dc_launch;

#define DC_CAT_(a, b) a##_##b
#define DC_CAT(a, b)  DC_CAT_(a, b)
/* Names that carry the dtype: FN(rolling_mean) -> rolling_mean_f32 (needs SFX). */
#define FN(name) DC_CAT(name, SFX)

#endif
