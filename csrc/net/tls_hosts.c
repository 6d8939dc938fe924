/* Certificates by host name: the choice that server name indication (RFC 6066 §3) asks for. */
#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

typedef struct tls_host {
    list_node node;
    net_tls_context *context;
    char name[]; /* in lower case */
} tls_host;

static char to_lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static void copy_lower(char *into, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        into[i] = to_lower(text[i]);
    into[size] = '\0';
}

static tls_host *find_host(const net_tls_context *context, const char *name) {
    for (list_node *node = context->hosts.next; node != &context->hosts; node = node->next) {
        tls_host *host = LIST_ENTRY(node, tls_host, node);
        if (strcmp(host->name, name) == 0)
            return host;
    }
    return NULL;
}

int net_tls_context_add_host(net_tls_context *context, const char *host, net_tls_context *other) {
    size_t size = strlen(host);
    tls_host *new = mem_alloc(sizeof(*new) + size + 1);
    if (!new)
        return -1;
    copy_lower(new->name, host, size);
    new->context = net_tls_context_ref(other);
    tls_host *old = find_host(context, new->name);
    list_init(&new->node);
    list_append(&context->hosts, &new->node);
    if (old) {
        list_remove(&old->node);
        net_tls_context_unref(old->context);
        mem_free(old);
    }
    return 0;
}

/* The name itself, else "*" for its first label (RFC 6125 §6.4.3). */
static tls_host *match_host(const net_tls_context *context, const char *name) {
    tls_host *host = find_host(context, name);
    const char *dot = strchr(name, '.');
    if (host || !dot || dot == name)
        return host;
    char pattern[256];
    snprintf(pattern, sizeof(pattern), "*%s", dot);
    return find_host(context, pattern);
}

bool tls_is_host_name(bytes_slice name) {
    if (name.size == 0 || name.size > 253)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = to_lower((char)name.data[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return false;
    }
    return true;
}

bytes_slice net_tls_context_certificate(const net_tls_context *context, bytes_slice host,
                                        size_t index) {
    char name[256];
    if (tls_is_host_name(host)) {
        copy_lower(name, (const char *)host.data, host.size);
        const tls_host *found = match_host(context, name);
        if (found && found->context->cert.version != 0)
            context = found->context;
    }
    const mbedtls_x509_crt *certificate = &context->cert;
    while (certificate && index-- > 0)
        certificate = certificate->next;
    if (!certificate)
        return bytes_slice_of(NULL, 0);
    return bytes_slice_of(certificate->raw.p, certificate->raw.len);
}

bool net_tls_serves_host(const net_tls *tls, bytes_slice host) {
    char name[256];
    const net_tls_context *due = tls->context;
    if (tls_is_host_name(host)) {
        copy_lower(name, (const char *)host.data, host.size);
        if (tls->servername && strcmp(tls->servername, name) == 0)
            return true;
        const tls_host *found = match_host(tls->context, name);
        due = found ? found->context : due;
    }
    return due == tls->rules;
}

int tls_hosts_choose(void *context, mbedtls_ssl_context *ssl, const unsigned char *name,
                     size_t size) {
    net_tls *tls = LIST_ENTRY(ssl, net_tls, ssl);
    if (!tls_is_host_name(bytes_slice_of(name, size)))
        return 0;              /* as if none had been sent */
    mem_free(tls->servername); /* a second ClientHello repeats it */
    tls->servername = mem_alloc(size + 1);
    if (!tls->servername)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    copy_lower(tls->servername, (const char *)name, size);
    const tls_host *host = match_host(context, tls->servername);
    if (!host && !tls->given)
        return 0;
    net_tls_context_unref(tls->rules);
    tls->rules = net_tls_context_ref(tls->given ? tls->given : host->context);
    mbedtls_ssl_set_hs_authmode(ssl, tls_context_authentication(tls->rules));
    if (tls->rules->request_cert) {
        tls_trust_prepare(tls->rules);
        mbedtls_ssl_set_hs_ca_chain(ssl, &tls->rules->ca,
                                    tls->rules->crl.version != 0 ? &tls->rules->crl : NULL);
    }
    if (tls->rules->cert.version == 0)
        return 0;
    return mbedtls_ssl_set_hs_own_cert(ssl, &tls->rules->cert, &tls->rules->key);
}

int tls_hosts_copy(net_tls_context *context, const net_tls_context *from) {
    for (list_node *node = from->hosts.next; node != &from->hosts; node = node->next) {
        const tls_host *host = LIST_ENTRY(node, tls_host, node);
        if (net_tls_context_add_host(context, host->name, host->context) != 0)
            return -1;
    }
    return 0;
}

void tls_hosts_dispose(net_tls_context *context) {
    list_node *node;
    while ((node = list_first(&context->hosts)) != NULL) {
        tls_host *host = LIST_ENTRY(node, tls_host, node);
        list_remove(node);
        net_tls_context_unref(host->context);
        mem_free(host);
    }
}
