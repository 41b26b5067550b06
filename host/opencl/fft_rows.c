#include "host/opencl/fft_rows.h"

static const char *const source =
    "#define ROW_AND_COLUMN(width)                                                            \\\n"
    "  const long i = get_global_id(0), row = i / (width), k = i % (width);                    \\\n"
    "  if (row >= batch) return;                                                               \n"
    "#define ARGUMENTS __global const T *in, long in_at, __global T *out, long out_at,         \\\n"
    "  long n, long batch                                                                      \n"
    "__kernel void rows_widen(ARGUMENTS) {                                                     \n"
    "  ROW_AND_COLUMN(n)                                                                       \n"
    "  out[out_at + 2 * i] = in[in_at + row * n + k];                                          \n"
    "  out[out_at + 2 * i + 1] = 0;                                                            \n"
    "}                                                                                         \n"
    "__kernel void rows_halve(ARGUMENTS) {                                                     \n"
    "  ROW_AND_COLUMN(n / 2 + 1)                                                               \n"
    "  out[out_at + 2 * i] = in[in_at + 2 * (row * n + k)];                                    \n"
    "  out[out_at + 2 * i + 1] = in[in_at + 2 * (row * n + k) + 1];                            \n"
    "}                                                                                         \n"
    /* Imaginary parts that a real series cannot have are ignored. */
    "__kernel void rows_mirror(ARGUMENTS) {                                                    \n"
    "  ROW_AND_COLUMN(n)                                                                       \n"
    "  const long h = k <= n / 2 ? k : n - k, at = in_at + 2 * (row * (n / 2 + 1) + h);        \n"
    "  const T im = 2 * k == n || k == 0 ? (T)0 : in[at + 1];                                  \n"
    "  out[out_at + 2 * i] = in[at];                                                           \n"
    "  out[out_at + 2 * i + 1] = k <= n / 2 ? im : -im;                                        \n"
    "}                                                                                         \n"
    "__kernel void rows_real(ARGUMENTS) {                                                      \n"
    "  ROW_AND_COLUMN(n)                                                                       \n"
    "  out[out_at + i] = in[in_at + 2 * i];                                                    \n"
    "}                                                                                         \n";

static dc_status build(dc_cl_queue *queue, int32_t dtype, cl_program *program)
{
    cl_int code = CL_SUCCESS;
    const char *fp64 = "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n";
    const char *text[] = {dtype == DC_F64 ? fp64 : "", source};
    cl_program made = clCreateProgramWithSource(queue->device->cl, 2, text, NULL, &code);
    dc_status status;

    DC_CL_TRY("clCreateProgramWithSource", code);
    status = dc__cl_build(queue->device, made,
                          dtype == DC_F64 ? "-cl-std=CL1.2 -DT=double" : "-cl-std=CL1.2 -DT=float",
                          "rows of an FFT");
    if (status)
        clReleaseProgram(made);
    else
        *program = made;
    return status;
}

static cl_int set_arguments(cl_kernel kernel, cl_mem in, cl_long in_at, cl_mem out, cl_long out_at,
                            cl_long n, cl_long batch)
{
    cl_int code = clSetKernelArg(kernel, 0, sizeof in, &in);

    code = code ? code : clSetKernelArg(kernel, 1, sizeof in_at, &in_at);
    code = code ? code : clSetKernelArg(kernel, 2, sizeof out, &out);
    code = code ? code : clSetKernelArg(kernel, 3, sizeof out_at, &out_at);
    code = code ? code : clSetKernelArg(kernel, 4, sizeof n, &n);
    return code ? code : clSetKernelArg(kernel, 5, sizeof batch, &batch);
}

dc_status dc__cl_fft_rows(dc_cl_queue *queue, cl_program *program, int32_t dtype, int64_t n,
                          int64_t batch, int kind, cl_mem in, size_t in_offset_bytes, cl_mem out,
                          size_t out_offset_bytes)
{
    static const char *const name[DC_ROWS_KINDS] = {"rows_widen", "rows_halve", "rows_mirror",
                                                    "rows_real"};
    const size_t group = 64, width = dtype == DC_F64 ? 8 : 4;
    const size_t items = (size_t)(batch * (kind == DC_ROWS_HALVE ? n / 2 + 1 : n));
    const size_t global = (items + group - 1) / group * group;
    cl_int code = CL_SUCCESS;
    cl_kernel kernel;

    if (*program == NULL)
        DC_TRY(build(queue, dtype, program));
    kernel = clCreateKernel(*program, name[kind], &code);
    DC_CL_TRY("clCreateKernel", code);
    code = set_arguments(kernel, in, (cl_long)(in_offset_bytes / width), out,
                         (cl_long)(out_offset_bytes / width), n, batch);
    if (!code)
        code = clEnqueueNDRangeKernel(queue->cl, kernel, 1, NULL, &global, &group, 0, NULL, NULL);
    clReleaseKernel(kernel);
    DC_CL_TRY("clEnqueueNDRangeKernel", code);
    return DC_OK;
}
