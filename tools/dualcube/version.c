#include <cjson/cJSON.h>
#include <stdio.h>

#include "tools/dualcube/cli.h"

enum { JSON = CLI_FIRST_ID };

static const cli_option options[] = {
    {"json", 0, NULL, "print JSON", JSON},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "version [--json]",
    "The command's and the library's version, the library's ABI number, and the instruction sets\n"
    "that are usable here.",
    "  dualcube version",
    options,
};

int cli_version(int argc, char **argv)
{
    dc_topology t = {.struct_size = sizeof t};
    cli_parser p;
    int id, json = 0;

    cli_begin(&p, &usage, argc, argv);
    while ((id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        if (id == CLI_OPERAND)
            return cli_fail(CLI_USAGE, "unexpected \"%s\"", p.value);
        json = 1;
    }
    if (dc_topology_get(&t) != DC_OK)
        return cli_fail_status(DC_E_UNSUPPORTED);
    if (json) {
        cJSON *root = cJSON_CreateObject();
        char *text;

        cJSON_AddStringToObject(root, "command", DC_VERSION_STRING);
        cJSON_AddStringToObject(root, "library", dc_version());
        cJSON_AddNumberToObject(root, "abi", dc_abi());
        cJSON_AddStringToObject(root, "isas", t.isas);
        text = cJSON_PrintUnformatted(root);
        cJSON_Delete(root);
        if (!text)
            return cli_fail(CLI_FAILED, "out of memory");
        puts(text);
        cJSON_free(text);
        return CLI_FINE;
    }
    printf("dualcube %s (library %s, ABI %d; instruction sets usable here: %s)\n",
           DC_VERSION_STRING, dc_version(), (int)dc_abi(), t.isas);
    return CLI_FINE;
}
