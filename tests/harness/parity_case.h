/* Cases of the parity engine: what is called, on which memory. */
#ifndef DCT_PARITY_CASE_H
#define DCT_PARITY_CASE_H

#include "tests/harness/parity.h"
#include "tests/harness/random.h"

enum { DCT_MAX_ARRAYS = 8, DCT_PARAMS_BYTES = 4096, DCT_LINE = 1024 };

/* How input values are drawn. */
enum {
    DCT_FILL_BELL = 0,
    DCT_FILL_UNIFORM,
    DCT_FILL_TIES,
    DCT_FILL_CONSTANT,
    DCT_FILL_OFFSET,
    DCT_FILL_SPIKES,
    DCT_FILL_DENORMAL,
    DCT_FILL_BITS,
    DCT_FILL_ZEROS,
    DCT_FILL_RAMP,
    DCT_FILL_NEIGHBOURS,
    DCT_FILL_COUNT
};

typedef struct dct_case {
    int64_t number;
    dct_rng rng;
    dc_op_info op;
    int32_t dtype;
    /* The family's params struct; its arrays have shape, stride, dtype and no memory yet. */
    union {
        unsigned char bytes[DCT_PARAMS_BYTES];
        int64_t align;
    } params;
    int32_t nin, nout;
    int32_t in_at[DCT_MAX_ARRAYS], out_at[DCT_MAX_ARRAYS]; /* byte offsets of the dc_arrays    */
    int32_t fill, nan_percent, inf_percent;
    int32_t list_at;     /* byte offset of the one dc_arrays in the params, 0: there is none  */
    int64_t places;      /* int32 and int64 inputs hold 0 ... places - 1; 0: anything         */
    int32_t keeps_nans;  /* outputs may hold any NaN: bits are moved                          */
    int32_t read_only;   /* inputs on pages that cannot be written                            */
    int32_t at_end;      /* memory ends at (else: begins at) a page that cannot be touched    */
    int32_t misaligned;  /* bytes by which inputs miss the alignment of their elements        */
    int64_t chunk_rows;  /* rows per call of the chunked run                                  */
    char text[DCT_LINE]; /* the case in words                                                 */
} dct_case;

/* What the engine must know of a family. */
typedef struct dct_family {
    const char *name; /* NULL: any family, driven by the parameter table alone */
    /* Draw shapes, strides and parameters of a call that must be accepted, and write its text. */
    void (*draw)(dct_case *c, int small);
    /* The params of the chunk whose outputs begin at output row `at`, from the whole call's;
     * returns the next `at`, or -1 when the call cannot be chunked, 0 at the end. */
    int64_t (*chunk)(const dct_case *c, const void *whole, int64_t at, void *part);
} dct_family;

extern const dct_family dct_family_rolling, dct_family_random, dct_family_scale, dct_family_reduce,
    dct_family_any;
extern const dct_family dct_family_transform;
extern const dct_family dct_family_smooth, dct_family_augment, dct_family_regrid,
    dct_family_spectral, dct_family_correlation, dct_family_kmeans;
extern const dct_family dct_family_pca;

/* Case `number` of `seed`; rows and dtypes take turns. */
void dct_case_draw(dct_case *c, const dct_family **family, uint64_t seed, int64_t number,
                   int small);
/* The same for one row and dtype, whatever else is registered. */
void dct_case_draw_op(dct_case *c, const dct_family **family, const dc_op_info *op, int32_t dtype,
                      uint64_t seed, int64_t number, int small);

/* Dtypes that a row is tried with, one of each width where it takes them all; how many. */
enum { DCT_MAX_DTYPES = 4 };
int32_t dct_dtypes(const dc_op_info *op, int32_t dtype[DCT_MAX_DTYPES]);

/* The dc_arrays at byte `at` of the params gets `count` more inputs: at most DCT_MAX_ARRAYS in all.
 * They lie behind the params struct, in the same block; the family's chunk() copies the block. */
void dct_case_list(dct_case *c, int32_t at, int32_t count);
/* Run the case with these params, a copy of the whole block of the case. */
dc_status dct_case_call(const dct_case *c, dc_queue *queue, void *params, dc_event **event);

dc_array *dct_case_in(const dct_case *c, void *params, int32_t i);
dc_array *dct_case_out(const dct_case *c, void *params, int32_t i);

/* Lay an array of `ndim` axes out: order of axes, gaps, signs; zero strides where `broadcast`. */
void dct_layout(dct_rng *rng, dc_array *array, int32_t dtype, int32_t ndim, const int64_t *shape,
                int broadcast);
/* Elements between the lowest and element 0 (<= 0), and one past the highest; 0, 0 when empty. */
void dct_extent(const dc_array *array, int64_t *low, int64_t *high);
/* A shape drawn around the edges of vectors and blocks, `most` elements or fewer. */
int32_t dct_shape(dct_rng *rng, int64_t *shape, int32_t *row_axis, int64_t most);
/* "(3, 1, 16)" */
void dct_shape_text(const dc_array *array, char *text, size_t bytes);

/* One value, widened: float32 arrays store it rounded. */
void dct_fill(dct_case *c, const dc_array *array, unsigned char *element0);

/* Visit every element: bytes of the element from element 0.  Order: row-major. */
typedef struct dct_walk {
    int64_t left, index[DC_MAX_NDIM], at; /* `at`: elements from element 0 */
} dct_walk;
static inline void dct_walk_begin(dct_walk *walk, const dc_array *array)
{
    walk->left = array->ndim > 0 ? 1 : 0;
    walk->at = 0;
    for (int32_t d = 0; d < array->ndim; d++) {
        walk->left *= array->shape[d];
        walk->index[d] = 0;
    }
}
static inline void dct_walk_step(dct_walk *walk, const dc_array *array)
{
    walk->left--;
    for (int32_t d = array->ndim - 1; d >= 0; d--) {
        walk->at += array->stride[d];
        if (++walk->index[d] < array->shape[d])
            return;
        walk->at -= array->stride[d] * array->shape[d];
        walk->index[d] = 0;
    }
}

#endif
