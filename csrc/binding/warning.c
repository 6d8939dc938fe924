#include "binding/warning.h"

static const char *const texts[] = {
    [LH2_WARNING_STATUS_MESSAGE] = "Status message is not supported by HTTP/2 (RFC 9113 §8.3.1)",
    [LH2_WARNING_CONNECTION] =
        "The \"connection\" header is not valid, and ignored, in HTTP/2 (RFC 9113 §8.2.2)",
};

void lh2_warn_once(lua_State *L, lh2_warning warning) {
    lh2_runtime *runtime = lh2_runtime_of(L);
    if (runtime->warned >> warning & 1)
        return;
    runtime->warned |= (uint8_t)(1u << warning);
    lua_compat_warn(L, texts[warning]);
}
