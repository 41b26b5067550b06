/* Between rows of real values, their half spectra and rows of complex values. */
#ifndef DC_OPENCL_FFT_ROWS_H
#define DC_OPENCL_FFT_ROWS_H

#include "host/opencl/opencl.h"

enum {
    DC_ROWS_WIDEN,  /* n reals -> n complex values                      */
    DC_ROWS_HALVE,  /* n complex values -> the first n / 2 + 1          */
    DC_ROWS_MIRROR, /* n / 2 + 1 -> n, by conjugate symmetry            */
    DC_ROWS_REAL,   /* n complex values -> their real parts             */
    DC_ROWS_KINDS
};

/* The program for a dtype, built on first use; the caller serialises the calls of a device. */
dc_status dc__cl_fft_rows(dc_cl_queue *queue, cl_program *program, int32_t dtype, int64_t n,
                          int64_t batch, int kind, cl_mem in, size_t in_offset_bytes, cl_mem out,
                          size_t out_offset_bytes);

#endif
