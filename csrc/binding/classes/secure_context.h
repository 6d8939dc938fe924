/* Keys, certificates and rules of TLS, read from an option table with Node's names. */
#ifndef BINDING_CLASSES_SECURE_CONTEXT_H
#define BINDING_CLASSES_SECURE_CONTEXT_H

#include "binding/args.h"

/* A context from the options at `options` (nil: none): key, cert, ca, crl, passphrase, ciphers,
 * ecdhCurve, sigalgs, dhparam, minVersion, maxVersion, requestCert, rejectUnauthorized. A list of `alpn`
 * with "h2" in it brings the rules of RFC 9113 §9.2. A client's is shared with others of equal options,
 * and so is not to be changed. Raises with the transport's text. The caller has the one reference, or
 * one more.
 * [-0, +0, e] */
net_tls_context *lh2_secure_context(lua_State *L, int options, bool is_server,
                                    const char *const *alpn, size_t alpn_count);
/* The same, with the protocols of the options' ALPNProtocols. [-0, +0, e] */
net_tls_context *lh2_secure_context_with_alpn(lua_State *L, int options, bool is_server);

/* A new reference to the context of the SecureContext at `index`, or one made from the options there.
 * [-0, +0, e] */
net_tls_context *lh2_secure_context_at(lua_State *L, int index, const char *name, bool is_server,
                                       const char *const *alpn, size_t alpn_count);
/* Registers SecureContext; adds createSecureContext to the table on top. [-0, +0, m] */
void lh2_secure_context_open(lua_State *L);

/* Raises for what net_tls_new came to: a name that no host has, or no memory. [-0, +0, v] */
int lh2_raise_tls(lua_State *L, int status, const char *servername);

#endif
