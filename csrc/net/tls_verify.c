/* Whether the peer is who it should be: the facts that mbedTLS's verification yields, the check of
 * an IP address, and the system's trusted certificates. */
#include "net/tls.h"

#include <stdlib.h>
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>

#include "net/internal.h"

/* ------------------------------------------------------------------------- addresses in the SAN */

/* Steps into a constructed element: *p to its contents, *end to their end. */
static bool enter_element(unsigned char **p, const unsigned char **end, int tag) {
    size_t size;
    if (mbedtls_asn1_get_tag(p, *end, &size, tag) != 0)
        return false;
    *end = *p + size;
    return true;
}

/* Whether the extension at *p is subjectAltName; *p and *end are then its names (RFC 5280 §4.2). */
static bool enter_alt_names(unsigned char **p, const unsigned char **end) {
    size_t size;
    int is_critical;
    if (mbedtls_asn1_get_tag(p, *end, &size, MBEDTLS_ASN1_OID) != 0)
        return false;
    if (size != MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME) ||
        memcmp(*p, MBEDTLS_OID_SUBJECT_ALT_NAME, size) != 0)
        return false;
    *p += size;
    if (*p < *end && **p == MBEDTLS_ASN1_BOOLEAN &&
        mbedtls_asn1_get_bool(p, *end, &is_critical) != 0)
        return false;
    return enter_element(p, end, MBEDTLS_ASN1_OCTET_STRING) &&
           enter_element(p, end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
}

/* RFC 5280 §4.2.1.6: GeneralName [7] is an address of 4 or 16 octets. */
static bool has_address(unsigned char *p, const unsigned char *end, bytes_slice address) {
    while (p < end) {
        size_t size;
        int tag = *p;
        if (mbedtls_asn1_get_tag(&p, end, &size, tag) != 0)
            return false;
        if (tag == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7) &&
            bytes_slice_equal(address, bytes_slice_of(p, size)))
            return true;
        p += size;
    }
    return false;
}

static bool is_for_octets(const mbedtls_x509_crt *certificate, bytes_slice address) {
    unsigned char *p = certificate->v3_ext.p;
    if (!p)
        return false;
    const unsigned char *end = p + certificate->v3_ext.len;
    if (!enter_element(&p, &end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE))
        return false;
    while (p < end) {
        const unsigned char *extension_end = end;
        if (!enter_element(&p, &extension_end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE))
            return false;
        unsigned char *names = p;
        const unsigned char *names_end = extension_end;
        if (enter_alt_names(&names, &names_end))
            return has_address(names, names_end, address);
        p += extension_end - p;
    }
    return false;
}

static bool is_for_address(const mbedtls_x509_crt *certificate, const char *text) {
    struct sockaddr_storage storage;
    int family = net_parse_address(text, 0, &storage);
    if (family == 4)
        return is_for_octets(certificate,
                             bytes_slice_of(&((struct sockaddr_in *)&storage)->sin_addr, 4));
    return is_for_octets(certificate,
                         bytes_slice_of(&((struct sockaddr_in6 *)&storage)->sin6_addr, 16));
}

/* ------------------------------------------------------------------------------ verification */

static bool is_self_issued(const mbedtls_x509_crt *certificate) {
    return bytes_slice_equal(
        bytes_slice_of(certificate->issuer_raw.p, certificate->issuer_raw.len),
        bytes_slice_of(certificate->subject_raw.p, certificate->subject_raw.len));
}

/* Called from the top of the chain down to the peer's own certificate. */
int tls_verify_certificate(void *context, mbedtls_x509_crt *certificate, int depth,
                           uint32_t *flags) {
    net_tls *tls = context;
    if (!tls->chain.is_seen) {
        tls->chain.is_seen = true;
        tls->chain.is_leaf_alone = depth == 0;
        tls->chain.is_top_self_issued = is_self_issued(certificate);
    }
    if (depth == 0 && tls->is_address && !is_for_address(certificate, tls->servername))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    if (tls->is_name_unchecked)
        *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return 0;
}

/* With TLS 1.3 mbedTLS's sessions do not keep what was found: ours do. */
uint32_t tls_verify_result(const net_tls *tls) {
    uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);
    return tls->is_full ? flags : flags | tls->session_flags;
}

typedef struct verdict {
    uint32_t flags;
    const char *code;
    const char *text;
} verdict;

/* In the order in which OpenSSL would come to tell them. */
static const verdict verdicts[] = {
    {MBEDTLS_X509_BADCERT_MISSING, "UNABLE_TO_GET_ISSUER_CERT", "the peer has no certificate"},
    {MBEDTLS_X509_BADCERT_REVOKED, "CERT_REVOKED", "certificate has been revoked"},
    {MBEDTLS_X509_BADCERT_EXPIRED, "CERT_HAS_EXPIRED", "certificate has expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "CERT_NOT_YET_VALID", "certificate is not yet valid"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, NULL, NULL}, /* by describe_untrusted */
    {MBEDTLS_X509_BADCRL_EXPIRED, "CRL_HAS_EXPIRED", "the revocation list has expired"},
    {MBEDTLS_X509_BADCRL_FUTURE, "CRL_NOT_YET_VALID", "the revocation list is not yet valid"},
    {MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK |
         MBEDTLS_X509_BADCRL_BAD_KEY,
     "CRL_SIGNATURE_FAILURE", "the revocation list is not properly signed"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
         MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
     "INVALID_PURPOSE", "certificate is not meant for this use"},
    {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK, "CA_MD_TOO_WEAK",
     "certificate is signed with an algorithm that is not accepted"},
    {MBEDTLS_X509_BADCERT_BAD_KEY, "EE_KEY_TOO_SMALL",
     "certificate has a key that is too short or of a curve that is not accepted"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "ERR_TLS_CERT_ALTNAME_INVALID",
     "certificate is not for this host name"},
};

static void describe_untrusted(const tls_chain *chain, const char **code, const char **text) {
    if (chain->is_leaf_alone && chain->is_top_self_issued) {
        *code = "DEPTH_ZERO_SELF_SIGNED_CERT";
        *text = "self-signed certificate";
    } else if (chain->is_top_self_issued) {
        *code = "SELF_SIGNED_CERT_IN_CHAIN";
        *text = "self-signed certificate in certificate chain";
    } else if (chain->is_leaf_alone) {
        *code = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
        *text = "unable to verify the first certificate: its issuer is not trusted";
    } else {
        *code = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
        *text = "unable to get local issuer certificate";
    }
}

void tls_verify_describe(uint32_t flags, const tls_chain *chain, const char **code,
                         const char **text) {
    *code = NULL;
    *text = NULL;
    if (flags == 0)
        return;
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts) && flags != UINT32_MAX; i++) {
        if (!(flags & verdicts[i].flags))
            continue;
        *code = verdicts[i].code;
        *text = verdicts[i].text;
        if (!*code)
            describe_untrusted(chain, code, text);
        return;
    }
    *code = "CERT_REJECTED";
    *text = "certificate was not verified";
}

/* ------------------------------------------------------------------------------ system's store */

void tls_trust_load_system(mbedtls_x509_crt *trusted) {
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine, Arch */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* older RHEL */
        "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
        "/etc/ssl/cert.pem",                                 /* OpenBSD, macOS */
        "/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
    };
    const char *chosen = getenv("SSL_CERT_FILE");
    if (chosen && *chosen != '\0') {
        mbedtls_x509_crt_parse_file(trusted, chosen);
        return;
    }
    /* A positive result counts certificates that mbedTLS could not read: the others serve. */
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (mbedtls_x509_crt_parse_file(trusted, places[i]) >= 0)
            return;
    }
}
