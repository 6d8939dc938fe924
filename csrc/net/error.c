#include "net/net.h"

#include <stdio.h>
#include <string.h>

/* Node's names for what getaddrinfo says; libuv's are UV_EAI_*, which no program looks for. */
static const char *code_of(int status) {
    switch (status) {
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
        return "ENOTFOUND";
    case UV_EAI_MEMORY:
        return "ENOMEM";
    default:
        return NULL;
    }
}

void net_error_from_uv(net_error *error, int status, const char *syscall, const char *address,
                       int port) {
    memset(error, 0, sizeof(*error));
    error->number = status;
    error->syscall = syscall;
    error->port = port;
    if (address)
        snprintf(error->address, sizeof(error->address), "%s", address);
    const char *code = code_of(status);
    if (code)
        snprintf(error->code, sizeof(error->code), "%s", code);
    else
        uv_err_name_r(status, error->code, sizeof(error->code));
    /* As Node words it: "connect ECONNREFUSED 127.0.0.1:80", but "getaddrinfo ENOTFOUND name". */
    if (error->address[0] != '\0' && port >= 0)
        snprintf(error->text, sizeof(error->text), "%s %s %s:%d", syscall, error->code,
                 error->address, port);
    else if (error->address[0] != '\0')
        snprintf(error->text, sizeof(error->text), "%s %s %s", syscall, error->code,
                 error->address);
    else
        snprintf(error->text, sizeof(error->text), "%s %s", syscall, error->code);
}
