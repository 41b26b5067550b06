/* A long transform as the CPU makes it: tables, and what an instruction set gives for it.
 *
 * `points` complex numbers (pairs of neighbours of an even real length, else one per real number)
 * are a matrix of P1 rows and P2 columns, points = P1 P2 (Bailey 1990).  Number n = n1 P2 + n2
 * becomes bin k = k2 P1 + k1:
 *   columns  lanes are neighbours n2: transform over n1, times exp(-2 pi i n2 k1 / points)
 *   rows     lanes are neighbours k1: transform over n2
 * Between the two lies `work`: for each block of lanes k1 and each n2 a register of real parts, one
 * of imaginary parts.  An inverse transform is a forward one with the parts exchanged at both ends.
 *
 * Points with a prime above 7 are a convolution with a chirp (Bluestein 1970) over `core` >= 2
 * points - 1 numbers: columns, rows, product, rows back, columns back.
 */
#ifndef DC_CPU_FFT_STAGES_H
#define DC_CPU_FFT_STAGES_H

#include "host/core/backend.h"
#include "kernels/shared/spectral.h"

/* Tables of T; vectors of a table are as long as the instruction set's. */
typedef enum dc_fft_table {
    DC_FFT_TWIDDLE_1, /* of the passes over P1                                                   */
    DC_FFT_TWIDDLE_2, /* of the passes over P2                                                   */
    DC_FFT_TURN_LANE, /* [k1][part][lane]: exp(-2 pi i lane k1 / core)                           */
    DC_FFT_TURN,      /* [group][k1][part]: exp(-2 pi i group lanes k1 / core)                   */
    DC_FFT_POST_LANE, /* R2C [part][lane]: exp(-2 pi i lane / n); C2R [group][part][lane]: of n2 */
    DC_FFT_POST,      /* R2C [j][part]: exp(-2 pi i j lanes / n); C2R [n1][part]: of n1 P2       */
    DC_FFT_CHIRP,     /* [n][part]: exp(-pi i n^2 / points)                                      */
    DC_FFT_KERNEL,    /* as work: transform of the chirp's conjugate, over core                  */
    DC_FFT_TABLES
} dc_fft_table;

typedef struct dc_fft_plan {
    int64_t n, points, core;
    int32_t dtype, direction, lanes;
    int32_t even;             /* n = 2 points                                */
    int32_t chirped;          /* core > points                               */
    dc_spectral_args side[2]; /* passes over P1, over P2                     */
    int64_t groups, blocks;   /* of lanes: of columns n2, of rows k1         */
    int32_t *place[2];        /* where the passes leave numbers              */
    void *table[DC_FFT_TABLES];
} dc_fft_plan;

/* One row being transformed: any part of a stage by any thread, a stage after the other. */
typedef struct dc_fft_row {
    const dc_fft_plan *plan;
    const void *in;
    void *out;
    void *work; /* dc__fft_work_bytes, 64-byte aligned */
} dc_fft_row;

/* Stages [from, to) of a row; `column` is room for one group: 2 P1 registers. */
typedef struct dc_fft_lanes {
    int32_t lanes;
    void (*columns)(const dc_fft_row *row, int64_t from, int64_t to, void *column); /* groups */
    void (*rows)(const dc_fft_row *row, int64_t from, int64_t to);                  /* blocks */
    void (*back)(const dc_fft_row *row, int64_t from, int64_t to, void *column);    /* groups */
    void (*unpack)(const dc_fft_row *row, int64_t from, int64_t to); /* lanes of bins, R2C even */
} dc_fft_lanes;

/* Bytes of dc_fft_row.work, of a group's column. */
int64_t dc__fft_work_bytes(const dc_fft_plan *plan);
int64_t dc__fft_column_bytes(const dc_fft_plan *plan);
/* Number of dc_fft_lanes.unpack's registers of bins. */
int64_t dc__fft_unpacks(const dc_fft_plan *plan);

/* NULL: no memory.  `lanes` [0] float32, [1] float64, of one instruction set. */
dc_fft_plan *dc__fft_plan_new(int64_t n, int32_t dtype, int32_t direction,
                              const dc_fft_lanes *const lanes[2]);
void dc__fft_plan_free(dc_fft_plan *plan);

#endif
