#include "binding/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_scheme_char(char c, size_t at) {
    return isalpha((unsigned char)c) ||
           (at > 0 && (isdigit((unsigned char)c) || c == '+' || c == '-' || c == '.'));
}

/* Copies `size` characters in lower case. False if they do not fit or are none a host may have. */
static bool copy_lower(char *into, size_t max, const char *from, size_t size) {
    if (size >= max)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)from[i];
        if (c <= ' ' || c == 0x7f || strchr("\"#%/<>?@\\^`{|}", c) != NULL)
            return false;
        into[i] = (char)tolower(c);
    }
    into[size] = '\0';
    return true;
}

/* "host", "host:port", "[v6]:port". */
static bool parse_authority(const char *text, size_t size, lh2_url *url) {
    const char *host = text, *end = text + size, *port = NULL;
    size_t host_size = size;
    if (size > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', size);
        if (bracket == NULL)
            return false;
        host = text + 1;
        host_size = (size_t)(bracket - host);
        url->is_ipv6 = true;
        if (bracket + 1 < end && bracket[1] != ':')
            return false;
        port = bracket + 1 < end ? bracket + 2 : NULL;
    } else {
        const char *colon = memchr(text, ':', size);
        if (colon != NULL) {
            host_size = (size_t)(colon - text);
            port = colon + 1;
        }
    }
    if (host_size == 0 || !copy_lower(url->host, sizeof(url->host), host, host_size))
        return false;
    if (port == NULL || port == end)
        return true;
    url->port = 0;
    for (; port < end; port++) {
        if (*port < '0' || *port > '9')
            return false;
        url->port = url->port * 10 + (*port - '0');
        if (url->port > 65535)
            return false;
    }
    return true;
}

bool lh2_url_parse(const char *text, size_t size, lh2_url *url) {
    size_t at = 0;
    *url = (lh2_url){.port = -1};
    while (at < size && is_scheme_char(text[at], at))
        at++;
    if (at == 0 || at >= sizeof(url->scheme) || size - at < 3 || memcmp(text + at, "://", 3) != 0)
        return false;
    for (size_t i = 0; i < at; i++)
        url->scheme[i] = (char)tolower((unsigned char)text[i]);
    const char *authority = text + at + 3, *end = text + size;
    size_t length = 0;
    while (authority + length < end && strchr("/?#", authority[length]) == NULL)
        length++;
    const char *user_end = memchr(authority, '@', length);
    if (user_end != NULL) {
        length -= (size_t)(user_end + 1 - authority);
        authority = user_end + 1;
    }
    return parse_authority(authority, length, url);
}

bool lh2_url_is_opaque(const char *text, size_t size) {
    static const char *const with_origin[] = {"http", "https", "ws", "wss", "ftp"};
    size_t at = 0;
    while (at < size && is_scheme_char(text[at], at))
        at++;
    if (at == 0 || at == size || text[at] != ':')
        return false;
    for (size_t i = 0; i < sizeof(with_origin) / sizeof(*with_origin); i++)
        if (strlen(with_origin[i]) == at && strncasecmp(text, with_origin[i], at) == 0)
            return false;
    return true;
}

void lh2_url_origin(const lh2_url *url, char origin[LH2_ORIGIN_SIZE]) {
    bool has_port = url->port >= 0 && url->port != lh2_url_default_port(url->scheme);
    int size = snprintf(origin, LH2_ORIGIN_SIZE, url->is_ipv6 ? "%s://[%s]" : "%s://%s",
                        url->scheme, url->host);
    if (has_port)
        snprintf(origin + size, LH2_ORIGIN_SIZE - (size_t)size, ":%d", url->port);
}

int lh2_url_default_port(const char *scheme) {
    if (strcmp(scheme, "https") == 0)
        return 443;
    if (strcmp(scheme, "http") == 0)
        return 80;
    return 0;
}
