/* What failed in TLS, in OpenSSL's codes, which programs for Node look for, and in plain words. */
#include "net/tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/error.h>

void tls_error_set(net_error *error, const char *code, const char *format, ...) {
    memset(error, 0, sizeof(*error));
    error->syscall = "tls";
    error->port = -1;
    snprintf(error->code, sizeof(error->code), "%s", code);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
}

void tls_error_refuse(net_error *error, const char *code, const char *what, int result) {
    char reason[120];
    mbedtls_strerror(result, reason, sizeof(reason));
    tls_error_set(error, code, "%s cannot be used: %s", what, reason);
    error->number = result;
}

/* RFC 8446 §6, RFC 5246 §7.2. OpenSSL prefixes the code with the version that brought the alert. */
typedef struct alert_name {
    uint8_t number;
    const char *prefix;
    const char *name;
} alert_name;

#define SSLV3 "SSLV3_ALERT_"
#define TLSV1 "TLSV1_ALERT_"
#define TLSV1_PLAIN "TLSV1_"
#define TLSV13 "TLSV13_ALERT_"

static const alert_name alerts[] = {
    {10, SSLV3, "unexpected message"},
    {20, SSLV3, "bad record mac"},
    {21, TLSV1, "decryption failed"},
    {22, TLSV1, "record overflow"},
    {30, SSLV3, "decompression failure"},
    {40, SSLV3, "handshake failure"},
    {41, SSLV3, "no certificate"},
    {42, SSLV3, "bad certificate"},
    {43, SSLV3, "unsupported certificate"},
    {44, SSLV3, "certificate revoked"},
    {45, SSLV3, "certificate expired"},
    {46, SSLV3, "certificate unknown"},
    {47, SSLV3, "illegal parameter"},
    {48, TLSV1, "unknown ca"},
    {49, TLSV1, "access denied"},
    {50, TLSV1, "decode error"},
    {51, TLSV1, "decrypt error"},
    {60, TLSV1, "export restriction"},
    {70, TLSV1, "protocol version"},
    {71, TLSV1, "insufficient security"},
    {80, TLSV1, "internal error"},
    {86, TLSV1, "inappropriate fallback"},
    {90, TLSV1, "user cancelled"},
    {100, TLSV1, "no renegotiation"},
    {109, TLSV13, "missing extension"},
    {110, TLSV1_PLAIN, "unsupported extension"},
    {112, TLSV1_PLAIN, "unrecognized name"},
    {113, TLSV1_PLAIN, "bad certificate status response"},
    {115, TLSV1, "unknown psk identity"},
    {116, TLSV13, "certificate required"},
    {120, TLSV1, "no application protocol"},
};

enum { ALERT_NO_APPLICATION_PROTOCOL = 120 };

static const alert_name *find_alert(uint8_t number) {
    for (size_t i = 0; i < sizeof(alerts) / sizeof(*alerts); i++) {
        if (alerts[i].number == number)
            return &alerts[i];
    }
    return NULL;
}

static void describe_alert(net_error *error, uint8_t number) {
    const alert_name *found = find_alert(number);
    if (!found) {
        tls_error_set(error, "EPROTO", "the peer's alert: number %d", number);
        return;
    }
    tls_error_set(error, "", "the peer's alert: %s", found->name);
    char *code = error->code;
    size_t size = sizeof(error->code);
    int prefix = snprintf(code, size, "ERR_SSL_%s", found->prefix);
    for (const char *p = found->name; *p != '\0' && (size_t)prefix + 1 < size; p++) {
        bool is_letter = *p >= 'a' && *p <= 'z';
        code[prefix++] = (char)(is_letter ? *p - 'a' + 'A' : '_');
    }
    code[prefix] = '\0';
}

static void describe_verification(net_error *error, const net_tls *tls) {
    const char *code, *text;
    uint32_t flags = tls_verify_result(tls);
    tls_verify_describe(flags, &tls->chain, &code, &text);
    if (flags & MBEDTLS_X509_BADCERT_MISSING)
        tls_error_set(error, "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
                      "the peer did not return a certificate");
    else if (!code)
        tls_error_set(error, "CERT_REJECTED", "the certificate could not be verified");
    else if (strcmp(code, "ERR_TLS_CERT_ALTNAME_INVALID") == 0)
        tls_error_set(error, code, "%s: %s", text, tls->servername ? tls->servername : "");
    else
        tls_error_set(error, code, "%s", text);
}

typedef struct meaning {
    int result;
    const char *code;
    const char *text;
} meaning;

static const meaning meanings[] = {
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, "ENOMEM", "out of memory"},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, "ECONNRESET",
     "the peer closed the connection before the TLS handshake was over"},
    {MBEDTLS_ERR_SSL_INVALID_MAC, "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
     "a record was damaged or forged"},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, "ERR_SSL_WRONG_VERSION_NUMBER",
     "what the peer sent is not a TLS record"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, "ERR_SSL_UNEXPECTED_MESSAGE",
     "the peer sent a TLS message out of turn"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, "ERR_SSL_UNEXPECTED_RECORD",
     "the peer sent a TLS record out of turn"},
#if TLS_IS_3
    {MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, "ERR_SSL_NO_APPLICATION_PROTOCOL",
     "no application protocol in common"},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, "ERR_SSL_UNSUPPORTED_PROTOCOL",
     "no TLS version in common"},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, "ERR_SSL_NO_SHARED_CIPHER",
     "no cipher suite or parameters in common"},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, "ERR_SSL_DECODE_ERROR", "a handshake message is malformed"},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, "ERR_SSL_ILLEGAL_PARAMETER",
     "a handshake message has a value that is not allowed"},
    {MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME, "ERR_SSL_UNRECOGNIZED_NAME", "unrecognized server name"},
#else
    {MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION, "ERR_SSL_UNSUPPORTED_PROTOCOL",
     "no TLS version in common"},
    {MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN, "ERR_SSL_NO_SHARED_CIPHER", "no cipher suite in common"},
    {MBEDTLS_ERR_SSL_NO_USABLE_CIPHERSUITE, "ERR_SSL_NO_SHARED_CIPHER",
     "no cipher suite that the certificate can be used with"},
#endif
};

static const meaning *find_meaning(int result) {
    for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
        if (meanings[i].result == result)
            return &meanings[i];
    }
    return NULL;
}

static bool is_about_certificate(int result) {
    return result == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ||
           result == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
}

/* The peer's fatal alert, or 0. In TLS 1.3 mbedTLS's own clients send it in the clear when it
 * should be encrypted, and its servers see but a bad record. */
static uint8_t alert_of(int result, const net_tls *tls) {
    if (result == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        return tls->ssl.in_msg[1];
    return result == MBEDTLS_ERR_SSL_INVALID_MAC ? tls->alert_received : 0;
}

void tls_error_describe(net_error *error, int result, const net_tls *tls) {
    const meaning *known = find_meaning(result);
    uint8_t alert = alert_of(result, tls);
    if (tls->junk)
        tls_error_set(error, tls->junk->code, "%s", tls->junk->text);
    else if (alert != 0)
        describe_alert(error, alert);
    else if (tls->alert_sent == ALERT_NO_APPLICATION_PROTOCOL)
        tls_error_set(error, "ERR_SSL_NO_APPLICATION_PROTOCOL",
                      "no application protocol in common");
    else if (is_about_certificate(result))
        describe_verification(error, tls);
    else if (known)
        tls_error_set(error, known->code, "%s", known->text);
    else {
        tls_error_set(error, "EPROTO", " ");
        mbedtls_strerror(result, error->text, sizeof(error->text));
    }
    error->number = result;
}
