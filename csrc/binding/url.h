/* Just enough of RFC 3986 for origins: scheme, host and port of an authority. Pure. */
#ifndef BINDING_URL_H
#define BINDING_URL_H

#include <stdbool.h>
#include <stddef.h>

#define LH2_HOST_SIZE 256

typedef struct lh2_url {
    char scheme[16];          /* in lower case, without the colon; "" if none was given */
    char host[LH2_HOST_SIZE]; /* in lower case; an IPv6 address without its brackets */
    int port;                 /* -1: none given */
    bool is_ipv6;
} lh2_url;

/* Takes an absolute URL apart; user information, path, query and fragment are passed over. False for
 * what is none. */
bool lh2_url_parse(const char *text, size_t size, lh2_url *url);
/* Whether it is a URL of a scheme that knows no origin, such as "data:" or "file:". */
bool lh2_url_is_opaque(const char *text, size_t size);

#define LH2_ORIGIN_SIZE (LH2_HOST_SIZE + 32)
/* Writes the origin (RFC 6454 §6.2): scheme://host, with the port unless the scheme means it. */
void lh2_url_origin(const lh2_url *url, char origin[LH2_ORIGIN_SIZE]);
/* The port a scheme means by itself, or 0. */
int lh2_url_default_port(const char *scheme);

#endif
