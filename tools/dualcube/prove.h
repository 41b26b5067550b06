/* Running the parity engine from the command: what parity and selftest share. */
#ifndef DC_TOOLS_PROVE_H
#define DC_TOOLS_PROVE_H

#include <stdio.h>

#include "tests/harness/parity.h"

/* Run with a progress bar named `label`; what dct_parity_run() returns, or CLI_INTERRUPTED. */
int prove_run(dct_parity_options *options, dct_parity_report *report, FILE *log, const char *label);

/* One line per device and dtype: how many rows, how many comparisons, what was reached. */
void prove_print(const dct_parity_report *report);

/* DCT_PLANT_* of a name, -1 when there is none; the names, separated by commas. */
int prove_plant(const char *name);
const char *prove_plant_name(int plant);

#endif
