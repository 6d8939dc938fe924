#include "h2/error.h"

const char *h2_error_name(uint32_t code) {
    switch (code) {
#define ERROR_CASE(name, number)                                                                   \
    case number:                                                                                   \
        return #name;
        H2_ERROR_MAP(ERROR_CASE)
#undef ERROR_CASE
    default:
        return NULL;
    }
}

int h2_fault_session(h2_fault *fault, h2_error_code code, const char *text) {
    *fault = (h2_fault){.code = code, .scope = H2_SCOPE_SESSION, .text = text};
    return H2_FAULT;
}

int h2_fault_stream(h2_fault *fault, uint32_t stream_id, h2_error_code code, const char *text) {
    *fault = (h2_fault){code, H2_SCOPE_STREAM, stream_id, text};
    return H2_FAULT;
}
