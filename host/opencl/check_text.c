#include "host/opencl/opencl.h"

/* Every kernel: three inputs, one output, n; item i writes out[test * n + i]. */
static const char float32[] =
    "#pragma OPENCL FP_CONTRACT OFF\n"
    "#ifdef DC_FP64\n"
    "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n"
    "#endif\n"
    "__kernel void check_f32(__global const uint *a, __global const uint *b,\n"
    "                        __global const uint *c, __global uint *out, uint n)\n"
    "{\n"
    "    const uint i = (uint)get_global_id(0);\n"
    "    const float x = as_float(a[i]), y = as_float(b[i]), z = as_float(c[i]);\n"
    "    out[i] = as_uint(x * y + z);\n"
    "    out[n + i] = as_uint(fma(x, y, z));\n"
    "    out[2 * n + i] = as_uint(x / y);\n"
    "    out[3 * n + i] = as_uint(sqrt(fabs(x)));\n"
    "    out[4 * n + i] = as_uint(x * y);\n"
    "    out[5 * n + i] = as_uint(x - z);\n"
    "}\n";

static const char float64[] =
    "#ifdef DC_FP64\n"
    "__kernel void check_f64(__global const ulong *a, __global const ulong *b,\n"
    "                        __global const ulong *c, __global ulong *out, uint n)\n"
    "{\n"
    "    const uint i = (uint)get_global_id(0);\n"
    "    const double x = as_double(a[i]), y = as_double(b[i]), z = as_double(c[i]);\n"
    "    out[i] = as_ulong(x * y + z);\n"
    "    out[n + i] = as_ulong(fma(x, y, z));\n"
    "    out[2 * n + i] = as_ulong(x / y);\n"
    "    out[3 * n + i] = as_ulong(sqrt(fabs(x)));\n"
    "    out[4 * n + i] = as_ulong(x * y);\n"
    "    out[5 * n + i] = as_ulong(x - z);\n"
    "}\n"
    "#endif\n";

static const char integers[] =
    "__kernel void check_int64(__global const ulong *a, __global const ulong *b,\n"
    "                          __global const ulong *c, __global ulong *out, uint n)\n"
    "{\n"
    "    const uint i = (uint)get_global_id(0);\n"
    "    const ulong x = a[i], y = b[i], z = c[i];\n"
    "    out[i] = x * y + z;\n"
    "    out[n + i] = mul_hi(x, y);\n"
    "    out[2 * n + i] = x / (y | 1);\n"
    "    out[3 * n + i] = (ulong)((long)x % (long)(y >> 17 | 1));\n"
    "    out[4 * n + i] = x >> (z & 63) ^ y << (z >> 8 & 63);\n"
    "    out[5 * n + i] = (long)x < (long)y ? (ulong)((long)x >> 5) : (ulong)(uint)y;\n"
    "}\n";

/* The group turns its values round and sums them, through local memory. */
static const char groups[] =
    "__kernel void check_barrier(__global const uint *a, __global const uint *b,\n"
    "                            __global const uint *c, __global uint *out, uint n,\n"
    "                            __local uint *shared)\n"
    "{\n"
    "    const uint i = (uint)get_global_id(0), me = (uint)get_local_id(0);\n"
    "    const uint size = (uint)get_local_size(0);\n"
    "    shared[me] = a[i];\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    out[i] = shared[size - 1 - me];\n"
    "    for (uint w = size / 2; w > 0; w /= 2) {\n"
    "        barrier(CLK_LOCAL_MEM_FENCE);\n"
    "        if (me < w)\n"
    "            shared[me] = shared[me] * 3 + shared[me + w];\n"
    "    }\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    out[n + i] = shared[0] + b[i] - c[i];\n"
    "}\n"
    "#ifdef cl_khr_int64_base_atomics\n"
    "#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable\n"
    "__kernel void check_atomic64(__global const ulong *a, __global const ulong *b,\n"
    "                             __global const ulong *c, __global ulong *out, uint n)\n"
    "{\n"
    "    const uint i = (uint)get_global_id(0);\n"
    "    atom_add(&out[i & 7], a[i]);\n"
    "    atom_xchg(&out[8 + i], b[i] + c[i]);\n"
    "}\n"
    "#endif\n";

const char *const dc__cl_check_source[] = {float32, float64, integers, groups};
const cl_uint dc__cl_check_sources = sizeof dc__cl_check_source / sizeof *dc__cl_check_source;
