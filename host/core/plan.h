/* A plan: what one call does, as plain, device-free, printable data.
 *
 * The family's plan function validates the params and appends slots (memory) and steps (work) to an
 * empty plan.  Executors read the plan; they never write it.  All memory of a plan comes from its
 * arena and lives until the call's event is complete.
 */
#ifndef DC_CORE_PLAN_H
#define DC_CORE_PLAN_H

#include "dualcube/array.h"
#include "host/core/arena.h"
#include "host/core/error.h"

struct dc_op;

/* Memory a step touches. */
enum {
    DC_SLOT_INPUT = 0,   /* the caller's array, read                                            */
    DC_SLOT_OUTPUT = 1,  /* the caller's array, written                                         */
    DC_SLOT_SCRATCH = 2, /* granted by the executor for the call, contents undefined            */
    DC_SLOT_TABLE = 3    /* constants made on the host; the executor may keep them by `key`     */
};

typedef struct dc_slot {
    int32_t kind;
    dc_array array;     /* INPUT, OUTPUT: the view; element 0 is where the operand points         */
    int64_t low_bytes;  /* INPUT, OUTPUT: the view touches [low_bytes, high_bytes) around element */
    int64_t high_bytes; /* 0; low <= 0 with negative strides; low == high: empty                */
    int64_t bytes;      /* SCRATCH, TABLE: size                                                  */
    const void *data;   /* TABLE: contents, in the plan's arena or static                        */
    uint64_t key;       /* TABLE: hash of the contents, 0: do not keep                           */
} dc_slot;

enum {
    DC_STEP_LAUNCH = 0, /* a row: kernel <row>_<dtype> on a device, its mirror on the CPU        */
    DC_STEP_COPY = 1,   /* bytes from operand 0 to operand 1                                    */
    DC_STEP_FFT = 2,    /* the backend's FFT library: operand 0 to operand 1, out of place       */
    DC_STEP_GEMM = 3,   /* the backend's BLAS: operands A, B, C                                  */
    DC_STEP_HOST = 4    /* a small deterministic function on host memory                         */
};

/* Batched 1-D transform, rows dense: real row r of `n`, complex row r of n / 2 + 1 (interleaved).
 * No scaling in either direction.  Rows never influence each other. */
enum { DC_FFT_R2C = 0, DC_FFT_C2R = 1 };
typedef struct dc_fft_step {
    int32_t direction;
    int64_t n, batch;
} dc_fft_step;

/* Row-major C[m, n] = alpha * op(A) op(B) + beta * C with leading dimensions in elements. */
typedef struct dc_gemm_step {
    int32_t transpose_a, transpose_b;
    int64_t m, n, k, lda, ldb, ldc;
    double alpha, beta;
} dc_gemm_step;

typedef struct dc_copy_step {
    int64_t bytes, src_offset, dst_offset; /* bytes */
} dc_copy_step;

/* `operand` are host addresses in the order of the step's slots. */
typedef dc_status (*dc_host_fn)(void *const *operand, const void *args);

typedef struct dc_step {
    int32_t kind;
    int32_t dtype; /* which program and which mirror: DC_F32, DC_F64; DC_U8 ... DC_U64 where bits
                      are moved */
    const struct dc_op *op;  /* LAUNCH: the row run; else the row planned for                    */
    int64_t space[3];        /* LAUNCH: index space of the outputs, slowest first, unused 1      */
    int32_t nin, nout, naux; /* slots read, slots written, tables and scratch                    */
    const int32_t *slot;     /* nin + nout + naux indices into plan->slot, in operand order      */
    uint32_t args_bytes;
    const void *args; /* LAUNCH: the struct of kernels/shared/<family>.h; HOST: fn's      */
    union {
        dc_fft_step fft;
        dc_gemm_step gemm;
        dc_copy_step copy;
        dc_host_fn host;
    } u;
} dc_step;

typedef struct dc_plan {
    const struct dc_op *op;
    dc_arena *arena;
    dc_slot *slot;
    dc_step *step;
    int32_t nslots, nsteps, slot_room, step_room;
    double bytes, flops; /* of the algorithm, for the cost model and the bench: each input once,
                            each output once                                                    */
    double cpu_ns;       /* family's estimate on one CPU thread, 0: from bytes and flops          */
} dc_plan;

DC_MODULE void dc__plan_begin(dc_plan *plan, dc_arena *arena, const struct dc_op *op);

/* Append a slot; its index, or -1 with the error text set.  For arrays the extent is computed. */
DC_MODULE int32_t dc__plan_input(dc_plan *plan, const dc_array *array);
DC_MODULE int32_t dc__plan_output(dc_plan *plan, const dc_array *array);
DC_MODULE int32_t dc__plan_scratch(dc_plan *plan, int64_t bytes);
/* `data` must live in the plan's arena or be static. */
DC_MODULE int32_t dc__plan_table(dc_plan *plan, const void *data, int64_t bytes);

/* Append a step over slots in operand order: nin read, nout written, naux tables and scratch.
 * `slots` and `args` are copied.  NULL with the error text set when out of memory or when an index
 * is -1 (so that slot calls need no checks of their own). */
DC_MODULE dc_step *dc__plan_step(dc_plan *plan, int32_t kind, const struct dc_op *op, int32_t dtype,
                                 const int32_t *slots, int32_t nin, int32_t nout, int32_t naux,
                                 const void *args, size_t args_bytes);

/* Readable text, truncated to fit, always terminated; bytes needed. */
DC_MODULE size_t dc__plan_text(const dc_plan *plan, char *text, size_t bytes);

/* Sets of dtypes, bits 1 << DC_F32 and so on. */
enum { DC_MASK_REAL = (1 << DC_F32) | (1 << DC_F64), DC_MASK_ANY = (1 << DC_DTYPES) - 2 };

/* "f32", "u8", ...: what the names of kernels and mirrors end in. */
DC_MODULE const char *dc__dtype_suffix(int32_t dtype);
/* The unsigned integer of the same width: dtype of a step that only moves bits. */
DC_MODULE int32_t dc__move_dtype(int32_t dtype);

/* Validation every family needs.  `name` is the argument's name in the sentence.  Without `mask`
 * the dtypes are those of the operation. */
DC_MODULE dc_status dc__array_check(const struct dc_op *op, const dc_array *array,
                                    const char *name);
DC_MODULE dc_status dc__array_check_output(const struct dc_op *op, const dc_array *array,
                                           const char *name);
DC_MODULE dc_status dc__array_check_dtype(const struct dc_op *op, const dc_array *array,
                                          const char *name, int32_t mask);
DC_MODULE dc_status dc__array_check_output_dtype(const struct dc_op *op, const dc_array *array,
                                                 const char *name, int32_t mask);
DC_MODULE dc_status dc__array_no_overlap(const struct dc_op *op, const dc_array *a,
                                         const char *a_name, const dc_array *b, const char *b_name);
DC_MODULE void dc__array_extent(const dc_array *array, int64_t *low_bytes, int64_t *high_bytes);
DC_MODULE int dc__array_is_dense(const dc_array *array); /* row-major, no gaps */

#endif
