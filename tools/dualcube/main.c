/* dualcube: the command. */
#include <stdio.h>
#include <string.h>

#include "tools/dualcube/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"features", cli_features, "rolling features of a .npy file, with a page of plots"},
    {"transform", cli_transform, "rearrange, smooth or scale a .npy file"},
    {"pca", cli_pca, "principal components of a .npy file, and rows watched against them"},
    {"spectral", cli_spectral, "spectra of the series of a .npy file, and what they tell"},
    {"correlation", cli_correlation, "correlations of the columns of a .npy file"},
    {"scale", cli_scale, "scalers fitted to .npy files, and put to them"},
    {"kmeans", cli_kmeans, "clusters of the rows of a .npy file, and of other rows"},
    {"model", cli_model, "what is in a model file, and is it whole?"},
    {"devices", cli_devices, "what is here, where it hangs, what it can do"},
    {"parity", cli_parity, "prove that every device gives the same bits"},
    {"bench", cli_bench, "measure, against this machine's own floors"},
    {"explain", cli_explain, "what a call would do, where, why, at what cost"},
    {"selftest", cli_selftest, "check every device, then a short parity run"},
    {"cache", cli_cache, "the cache of compiled device programs"},
    {"sample", cli_sample, "write the built-in sample cube"},
    {"version", cli_version, "version and build"},
};

static void print_usage(FILE *file)
{
    fprintf(
        file,
        "usage: dualcube COMMAND [options]\n\n"
        "Rolling statistics of datacubes and sensor tables, with the same bits on every device.\n\n"
        "commands:\n");
    for (size_t k = 0; k < sizeof commands / sizeof *commands; ++k)
        fprintf(file, "  %-11s %s\n", commands[k].name, commands[k].about);
    fprintf(
        file,
        "\n\"dualcube COMMAND --help\" describes one.\n"
        "exit codes: 0 fine, 1 a finding, 2 usage, 3 no such device, 4 failed, 130 interrupted\n"
        "environment: DUALCUBE_DEVICE, DUALCUBE_CPU_ISA, DUALCUBE_THREADS, DUALCUBE_FALLBACK,\n"
        "             DUALCUBE_CACHE_DIR, DUALCUBE_TRACE; options win over them\n\n"
        "example:\n  dualcube features cube.npy --window 64 --stats mean,std,median\n");
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        print_usage(stdout);
        return cli_finish(CLI_FINE);
    }
    if (!strcmp(word, "--version"))
        word = "version";
    for (size_t k = 0; k < sizeof commands / sizeof *commands; ++k)
        if (!strcmp(word, commands[k].name)) {
            cli_command = commands[k].name;
            return cli_finish(commands[k].run(argc - 1, argv + 1));
        }
    if (*word)
        return cli_fail(CLI_USAGE, "there is no command \"%s\"; see dualcube --help", word);
    print_usage(stderr);
    return CLI_USAGE;
}
