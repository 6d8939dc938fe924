/* Keys, certificates and rules of TLS, read from an option table with Node's names. */
#ifndef BINDING_CLASSES_SECURE_CONTEXT_H
#define BINDING_CLASSES_SECURE_CONTEXT_H

#include "binding/args.h"

/* A context from the options at `options` (nil: none): key, cert, ca, crl, passphrase, ciphers,
 * minVersion, maxVersion, requestCert, rejectUnauthorized. A list of `alpn` with "h2" in it brings the
 * rules of RFC 9113 §9.2. Raises with the transport's text. The caller has the one reference.
 * [-0, +0, e] */
net_tls_context *lh2_secure_context(lua_State *L, int options, bool is_server,
                                    const char *const *alpn, size_t alpn_count);
/* The same, with the protocols of the options' ALPNProtocols. [-0, +0, e] */
net_tls_context *lh2_secure_context_with_alpn(lua_State *L, int options, bool is_server);

#endif
