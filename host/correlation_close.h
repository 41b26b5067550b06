/* The results of a state's root: a template of T (float, double) and SFX (f32, f64), included once
 * per dtype. */
#include "kernels/shared/correlation_pair.h"

static void FN(state_close)(const dc_correlation_state *s, const dc_correlation_args *args,
                            const void *root, const dc_correlation_params *p)
{
    const int64_t d = s->cols, pairs = d * d;
    const int64_t *const count = root;
    const T *const field = root ? (const T *)(count + pairs) : NULL;
    T *const dst = dc__array_host_address(&p->dst);
    T *const dst2 = args->has_dst2 ? dc__array_host_address(&p->dst2) : NULL;
    FN(correlation_column) column[2] = {{0}};

    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = i; j < d; ++j) {
            FN(correlation_node) node = {0};
            T value;

            column[0].scale = column[0].power = column[1].scale = column[1].power = 1;
            column[0].shift = (T)s->anchor[i] + 0;
            if (root) {
                node = (FN(correlation_node)){count[i * d + j],
                                              field[i * d + j],
                                              field[pairs + i * d + j],
                                              field[pairs + j * d + i],
                                              field[2 * pairs + i * d + j],
                                              field[2 * pairs + j * d + i]};
                column[0].n = count[i * d + i];
            }
            value = FN(correlation_result)(args, &node, column[0], column[1], i == j);
            memcpy(dst + i * args->dst_i + j * args->dst_j, &value, sizeof value);
            memcpy(dst + j * args->dst_i + i * args->dst_j, &value, sizeof value);
            if (dst2 && i == j) {
                value = FN(correlation_mean)(column[0], &node);
                memcpy(dst2 + i * args->dst2_i, &value, sizeof value);
            }
        }
}
