/* Whom a client talks to: http2.connect's first argument. */
#include <stdio.h>
#include <string.h>

#include "binding/classes/client_session.h"

static int raise_url(lua_State *L, const char *input) {
    lh2_push_error_text(L, "TypeError", "ERR_INVALID_URL", "Invalid URL");
    lua_pushstring(L, input);
    lua_setfield(L, -2, "input");
    return lh2_throw(L);
}

/* The field of the table at `index` as text into `out`, if there. */
static bool copy_field(lua_State *L, int index, const char *name, char *out, size_t size) {
    lua_getfield(L, index, name);
    size_t length = 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (text != NULL && length >= size)
        raise_url(L, text);
    if (text != NULL)
        memcpy(out, text, length + 1);
    lua_pop(L, 1);
    return text != NULL;
}

static void read_url(lua_State *L, const char *text, size_t size, lh2_url *url) {
    if (!lh2_url_parse(text, size, url))
        raise_url(L, text);
}

void lh2_read_authority(lua_State *L, int index, lh2_url *url) {
    size_t size;
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, index, &size);
        read_url(L, text, size, url);
        return;
    }
    if (!lua_istable(L, index))
        lh2_raise_type(L, "authority", "of type string or table", index);
    lua_getfield(L, index, "origin");
    if (lua_type(L, -1) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, -1, &size);
        read_url(L, text, size, url);
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    *url = (lh2_url){.port = -1};
    if (copy_field(L, index, "protocol", url->scheme, sizeof(url->scheme)))
        url->scheme[strcspn(url->scheme, ":")] = '\0';
    if (!copy_field(L, index, "hostname", url->host, sizeof(url->host)) &&
        !copy_field(L, index, "host", url->host, sizeof(url->host)))
        strcpy(url->host, "localhost");
    url->port = (int)lh2_opt_integer(L, index, "port", 0, 65535, -1);
    url->is_ipv6 = strchr(url->host, ':') != NULL;
}

void lh2_complete_authority(lua_State *L, int options, bool is_carried, lh2_url *url) {
    if (url->scheme[0] == '\0') {
        const char *protocol = lh2_opt_string(L, options, "protocol", NULL, "https:");
        size_t size = strcspn(protocol, ":");
        if (size < sizeof(url->scheme)) {
            memcpy(url->scheme, protocol, size);
            url->scheme[size] = '\0';
        }
    }
    int port = lh2_url_default_port(url->scheme);
    if (port == 0 && is_carried)
        port = 443;
    if (port == 0)
        lh2_raise(L, "ERR_HTTP2_UNSUPPORTED_PROTOCOL", url->scheme);
    if (url->port < 0)
        url->port = port;
}

void lh2_client_session_set_authority(lh2_client_session *client, const lh2_url *url,
                                      const char *servername) {
    const char *host = client->is_secure && servername != NULL ? servername : url->host;
    snprintf(client->host, sizeof(client->host), "%s", host);
    client->port = url->port;
    bool has_brackets = strchr(host, ':') != NULL;
    int size = snprintf(client->authority, sizeof(client->authority),
                        has_brackets ? "[%.255s]:%d" : "%.255s:%d", host, url->port);
    client->authority_size =
        (size_t)size < sizeof(client->authority) ? (size_t)size : sizeof(client->authority) - 1;
}
