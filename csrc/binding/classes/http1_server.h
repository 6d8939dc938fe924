/* The secure server's members and options that concern HTTP/1.1. */
#ifndef BINDING_CLASSES_HTTP1_SERVER_H
#define BINDING_CLASSES_HTTP1_SERVER_H

#include "binding/classes/server.h"

/* An ancestor of Http2SecureServer. */
extern const lh2_class lh2_http1_server_class;

/* Reads allowHTTP1, headersTimeout, requestTimeout, keepAliveTimeout, maxRequestsPerSocket and
 * maxHeaderSize. [-0, +0, v] */
void lh2_http1_options_read(lua_State *L, int index, lh2_http1_options *options);

#endif
