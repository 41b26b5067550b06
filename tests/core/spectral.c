/* Radices of the transforms' passes: every length that plans are made of has room for its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernels/shared/spectral_radices.h"

/* Lengths are at most 2^30, what Bluestein's transform is tried with below 4 times as much. */
static const int64_t MOST = INT64_C(4) << 30;

static int holds(int64_t n)
{
    dc_spectral_args a = {.core = n};
    int64_t product = 1;

    set_radices(&a);
    if (a.passes > DC_SPECTRAL_PASSES || a.naxes != 0) /* naxes lies behind the radices */
        return 0;
    for (int i = 0; i < a.passes; ++i)
        product *= a.radix[i];
    return product == n;
}

static void every_length_has_room(void **state)
{
    int lengths = 0;

    (void)state;
    for (int64_t sevens = 1; sevens < MOST; sevens *= 7)
        for (int64_t fives = sevens; fives < MOST; fives *= 5)
            for (int64_t threes = fives; threes < MOST; threes *= 3)
                for (int64_t n = threes; n < MOST; n *= 2, ++lengths)
                    if (!holds(n) || !(cost_of_passes(n) >= 0))
                        fail_msg("length %lld", (long long)n);
    assert_true(lengths > 5000);
}

static void other_lengths_are_told(void **state)
{
    (void)state;
    assert_true(is_smooth(3486784401)); /* 3^20 */
    assert_false(is_smooth(11));
    assert_false(holds(11)); /* planted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_has_room),
        cmocka_unit_test(other_lengths_are_told),
    };
    return cmocka_run_group_tests_name("radices of spectra", tests, NULL, NULL);
}
