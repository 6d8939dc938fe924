rockspec_format = "3.0"
package = "http2"
version = "dev-1"

source = {
    url = "git+https://github.com/lua-http2/http2",
}

description = {
    summary = "HTTP/2 for Lua, server and client",
    detailed = [[
An HTTP/2 engine in C with the API that Node.js documents for its http2 module, for Lua 5.4 and
LuaJIT, over libuv and mbedTLS.]],
    homepage = "https://github.com/lua-http2/http2",
    license = "MIT",
}

supported_platforms = {"unix"}

dependencies = {
    "lua >= 5.1",
}

external_dependencies = {
    UV = {header = "uv.h", library = "uv"},
    MBEDTLS = {header = "mbedtls/ssl.h", library = "mbedtls"},
}

-- CMake, since HTTP/1.1 is read by whichever of llhttp and http_parser the system has.
build = {
    type = "cmake",
    variables = {
        CMAKE_BUILD_TYPE = "RelWithDebInfo",
        CMAKE_PREFIX_PATH = "$(UV_DIR);$(MBEDTLS_DIR)",
        HTTP2_LUA_INCDIR = "$(LUA_INCDIR)",
        HTTP2_LIBDIR = "$(LIBDIR)",
        HTTP2_LUADIR = "$(LUADIR)",
    },
    copy_directories = {},
}

test = {
    type = "command",
    command = "spec/run --quick",
}
