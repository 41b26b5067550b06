/* The parity engine can fail: every kind of defect, planted, is found, named and can be rerun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/golden/sha256.h"
#include "tests/harness/parity.h"
#include "tests/harness/parity_case.h"
#include "tests/harness/parity_compare.h"
#include "tests/harness/parity_memory.h"

/* Text of a run's log; the caller frees it. */
static char *run(const dct_parity_options *options, dct_parity_report *report, int *status)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *log = open_memstream(&text, &bytes);
    assert_non_null(log);
    *status = dct_parity_run(options, report, log);
    fclose(log);
    return text;
}

static dct_parity_options short_run(int32_t plant)
{
    dct_parity_options options = DCT_PARITY_OPTIONS_INIT;
    options.seed = 99;
    options.cases = 180;
    options.device = "cpu";
    options.small = 1;
    options.max_failures = 5;
    options.plant = plant;
    return options;
}

static void nothing_planted_nothing_found(void **state)
{
    (void)state;
    const dct_parity_options options = short_run(DCT_PLANT_NONE);
    dct_parity_report report;
    int status;
    char *text = run(&options, &report, &status);
    if (status != 0)
        fail_msg("%s", text);
    assert_int_equal(report.failures, 0);
    assert_int_equal(report.cases, options.cases);
    assert_true(report.comparisons > options.cases);
    free(text);
    dct_parity_report_free(&report);
}

static void every_planted_defect_is_found(void **state)
{
    (void)state;
    static const char *const says[] = {"",
                                       "elements differ",
                                       "elements differ",
                                       "elements differ",
                                       "a byte outside the elements of output",
                                       "was written",
                                       "the call ran on"};
    for (int32_t plant = DCT_PLANT_BIT; plant <= DCT_PLANT_ELSEWHERE; plant++) {
        const dct_parity_options options = short_run(plant);
        dct_parity_report report;
        int status;
        char *text = run(&options, &report, &status);
        if (status != 1 || report.failures < 1 || !strstr(text, says[plant]))
            fail_msg("planted %d: status %d, %lld failures, log: %s", plant, status,
                     (long long)report.failures, text);
        free(text);
        dct_parity_report_free(&report);
    }
}

static void the_rerun_line_finds_it_again(void **state)
{
    (void)state;
    dct_parity_options options = short_run(DCT_PLANT_BIT);
    dct_parity_report report;
    int status;
    char *text = run(&options, &report, &status);
    const char *line = strstr(text, "rerun: dualcube parity --seed ");
    unsigned long long seed;
    long long number;
    assert_non_null(line);
    assert_int_equal(sscanf(line, "rerun: dualcube parity --seed %llu --case %lld", &seed, &number),
                     2);
    assert_non_null(strstr(line, "--small"));
    /* The same case, in words. */
    const char *words = strstr(text, "case: ");
    char first[512], *again;
    assert_non_null(words);
    snprintf(first, sizeof first, "%.400s", words);
    first[strcspn(first, "\n")] = 0;
    dct_parity_report_free(&report);
    options.seed = seed;
    options.first_case = number;
    options.cases = 1;
    again = run(&options, &report, &status);
    assert_int_equal(status, 1);
    assert_int_equal(report.cases, 1);
    assert_non_null(strstr(again, first));
    free(text);
    free(again);
    dct_parity_report_free(&report);
}

static void same_seed_same_report(void **state)
{
    (void)state;
    char *csv[2];
    for (int i = 0; i < 2; i++) {
        const dct_parity_options options = short_run(DCT_PLANT_NONE);
        dct_parity_report report;
        int status;
        size_t bytes;
        free(run(&options, &report, &status));
        FILE *file = open_memstream(&csv[i], &bytes);
        assert_non_null(file);
        assert_int_equal(dct_parity_write_csv(&report, file), 0);
        fclose(file);
        dct_parity_report_free(&report);
    }
    assert_string_equal(csv[0], csv[1]);
    assert_non_null(strstr(csv[0], "rolling_median,float64,\"cpu baseline\",EXACT,bits"));
    free(csv[0]);
    free(csv[1]);
}

static void a_device_that_is_not_there(void **state)
{
    (void)state;
    dct_parity_options options = short_run(DCT_PLANT_NONE);
    dct_parity_report report;
    int status;
    options.device = "opencl:31";
    char *text = run(&options, &report, &status);
    assert_int_equal(status, 3);
    assert_int_equal(report.comparisons, 0);
    free(text);
    dct_parity_report_free(&report);
}

/* What the comparer calls equal, and how far apart it finds the rest. */
static void comparer(void **state)
{
    (void)state;
    const double nan = (double)NAN, inf = (double)INFINITY;
    double want[] = {1.0, 0.0, nan, inf, -5e-324}, got[5];
    memcpy(got, want, sizeof got);
    assert_int_equal(dct_compare(DC_F64, want, got, 5, 0, 0.0).count, 0);
    got[1] = -0.0;
    dct_difference d = dct_compare(DC_F64, want, got, 5, 0, 0.0);
    assert_true(d.count == 1 && d.first == 1 && d.worst_ulp == 0.0);
    got[1] = 0.0;
    got[4] = 5e-324;
    d = dct_compare(DC_F64, want, got, 5, 0, 0.0);
    assert_true(d.count == 1 && d.first == 4 && d.worst_ulp == 2.0);
    assert_int_equal(dct_compare(DC_F64, want, got, 5, 1, 2.0).count, 0);
    assert_int_equal(dct_compare(DC_F64, want, got, 5, 1, 1.0).count, 1);
    got[4] = want[4];
    got[2] = 3.0;
    assert_true(isinf(dct_compare(DC_F64, want, got, 5, 1, 1e9).worst_ulp));
    assert_int_equal(dct_compare(DC_F64, want, got, 5, 1, 1e9).count, 1);
    got[2] = nan;
    got[0] = nan;
    assert_int_equal(dct_compare(DC_F64, want, got, 5, 1, 1e9).count, 1);
    assert_true(dct_ulp64(1.0, 1.0 + 0x1p-52) == 1.0 && dct_ulp32(1.0F, 1.0F - 0x1p-24F) == 1.0);
    assert_true(dct_ulp32(-0.0F, 0.0F) == 0.0 && dct_ulp32(1.0F, (float)NAN) > 1e30);
    /* float32, a device that flushes: both tiny is fine, one tiny and one not is not. */
    const float tiny[] = {1e-40F}, zero[] = {0.0F}, normal[] = {1e-30F};
    assert_int_equal(dct_compare(DC_F32, tiny, zero, 1, 0, 64.0).count, 1);
    assert_int_equal(dct_compare(DC_F32, tiny, zero, 1, 1, 64.0).count, 0);
    assert_int_equal(dct_compare(DC_F32, normal, zero, 1, 1, 64.0).count, 1);
}

static void foreign_nans(void **state)
{
    (void)state;
    const uint32_t narrow[] = {UINT32_C(0x3F800000), DCT_NAN32, UINT32_C(0xFFC00000)};
    const uint64_t wide[] = {DCT_NAN64, UINT64_C(0x7FF0000000000000), UINT64_C(0x7FF8000000000001)};
    assert_int_equal(dct_foreign_nan(DC_F32, narrow, 2), -1);
    assert_int_equal(dct_foreign_nan(DC_F32, narrow, 3), 2);
    assert_int_equal(dct_foreign_nan(DC_F64, wide, 2), -1);
    assert_int_equal(dct_foreign_nan(DC_F64, wide, 3), 2);
}

/* Sentinels: a byte beside the elements is seen, a byte of an element is not. */
static void guarded_memory(void **state)
{
    (void)state;
    dct_region region;
    const int64_t shape[] = {3, 4};
    dc_array array = dc_array_host(NULL, DC_F64, 2, shape);
    unsigned char dense[96];
    array.stride[0] = -6; /* two elements of gap, rows backwards */
    for (int at_end = 0; at_end < 2; at_end++) {
        assert_int_equal(dct_region_new(&region, 4096), 0);
        assert_int_equal(dct_region_place(&region, &array, at_end, 0), 0);
        assert_int_equal(dct_region_keep(&region), 0);
        assert_int_equal(dct_region_changed(&region), -1);
        region.element0[-6 * 8] ^= 1; /* element (1, 0) */
        dct_region_gather(&region, &array, dense, 1);
        assert_int_equal(dct_region_changed(&region), -1);
        region.element0[-2 * 8] ^= 1; /* the gap before element 0 */
        dct_region_gather(&region, &array, dense, 1);
        assert_true(dct_region_changed(&region) >= 0);
        dct_region_restore(&region);
        assert_int_equal(dct_region_changed(&region), -1);
        dct_region_free(&region);
    }
    dc_array large = dc_array_host(NULL, DC_F64, 1, (const int64_t[]){100000});
    assert_int_equal(dct_region_new(&region, 4096), 0);
    assert_int_equal(dct_region_place(&region, &large, 0, 0), -1);
    dct_region_free(&region);
}

/* FIPS 180-4's own examples. */
static void sha256(void **state)
{
    (void)state;
    static const char *const text[] = {"", "abc",
                                       "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"};
    static const char *const want[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"};
    for (int i = 0; i < 3; i++) {
        dct_sha256 sha;
        char hex[65];
        dct_sha256_begin(&sha);
        dct_sha256_add(&sha, text[i], strlen(text[i]));
        dct_sha256_end(&sha, hex);
        assert_string_equal(hex, want[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparer),
        cmocka_unit_test(foreign_nans),
        cmocka_unit_test(guarded_memory),
        cmocka_unit_test(sha256),
        cmocka_unit_test(nothing_planted_nothing_found),
        cmocka_unit_test(every_planted_defect_is_found),
        cmocka_unit_test(the_rerun_line_finds_it_again),
        cmocka_unit_test(same_seed_same_report),
        cmocka_unit_test(a_device_that_is_not_there),
    };
    return cmocka_run_group_tests_name("harness", tests, NULL, NULL);
}
