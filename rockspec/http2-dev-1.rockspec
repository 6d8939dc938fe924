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

build = {
    type = "builtin",
    modules = {
        http2 = "lua/http2/init.lua",
        ["http2.net"] = "lua/http2/net.lua",
        ["http2.timers"] = "lua/http2/timers.lua",
        http2_core = {
            sources = {
                "csrc/base/bytes.c",
                "csrc/base/idmap.c",
                "csrc/base/mem.c",
                "csrc/hpack/decoder.c",
                "csrc/hpack/encoder.c",
                "csrc/hpack/huffman.c",
                "csrc/hpack/integer.c",
                "csrc/hpack/search.c",
                "csrc/hpack/section.c",
                "csrc/hpack/static_table.c",
                "csrc/hpack/table.c",
                "csrc/h2/block.c",
                "csrc/h2/control.c",
                "csrc/h2/error.c",
                "csrc/h2/fields.c",
                "csrc/h2/flow.c",
                "csrc/h2/frame.c",
                "csrc/h2/history.c",
                "csrc/h2/limits.c",
                "csrc/h2/negotiate.c",
                "csrc/h2/pool.c",
                "csrc/h2/priority.c",
                "csrc/h2/receive.c",
                "csrc/h2/receive_data.c",
                "csrc/h2/receive_headers.c",
                "csrc/h2/scheduler.c",
                "csrc/h2/session.c",
                "csrc/h2/settings.c",
                "csrc/h2/shutdown.c",
                "csrc/h2/state.c",
                "csrc/h2/stream.c",
                "csrc/h2/streams.c",
                "csrc/h2/submit.c",
                "csrc/h2/text.c",
                "csrc/h2/transmit.c",
                "csrc/h2/window.c",
                "csrc/h2/wire.c",
                "csrc/net/connect.c",
                "csrc/net/error.c",
                "csrc/net/listener.c",
                "csrc/net/loop.c",
                "csrc/net/resolve.c",
                "csrc/net/socket.c",
                "csrc/net/socket_read.c",
                "csrc/net/socket_write.c",
                "csrc/net/timer.c",
                "csrc/net/tls.c",
                "csrc/net/tls_context.c",
                "csrc/net/tls_error.c",
                "csrc/net/tls_facts.c",
                "csrc/net/tls_hosts.c",
                "csrc/net/tls_identity.c",
                "csrc/net/tls_keylog.c",
                "csrc/net/tls_random.c",
                "csrc/net/tls_suites.c",
                "csrc/net/tls_verify.c",
                "csrc/net/wire.c",
                "csrc/binding/anchor.c",
                "csrc/binding/args.c",
                "csrc/binding/call.c",
                "csrc/binding/callbacks.c",
                "csrc/binding/class.c",
                "csrc/binding/classes/client_session.c",
                "csrc/binding/classes/client_stream.c",
                "csrc/binding/classes/duplex.c",
                "csrc/binding/classes/emitter.c",
                "csrc/binding/classes/handshake.c",
                "csrc/binding/classes/listener.c",
                "csrc/binding/classes/pipe.c",
                "csrc/binding/classes/readable.c",
                "csrc/binding/classes/secure_context.c",
                "csrc/binding/classes/server.c",
                "csrc/binding/classes/server_session.c",
                "csrc/binding/classes/server_stream.c",
                "csrc/binding/classes/session.c",
                "csrc/binding/classes/session_transport.c",
                "csrc/binding/classes/socket.c",
                "csrc/binding/classes/socket_members.c",
                "csrc/binding/classes/socket_proxy.c",
                "csrc/binding/classes/stream.c",
                "csrc/binding/classes/timers.c",
                "csrc/binding/classes/tls_socket.c",
                "csrc/binding/classes/writable.c",
                "csrc/binding/config.c",
                "csrc/binding/constants.c",
                "csrc/binding/core.c",
                "csrc/binding/deliver.c",
                "csrc/binding/encoding.c",
                "csrc/binding/error.c",
                "csrc/binding/headers.c",
                "csrc/binding/runtime.c",
                "csrc/binding/settings.c",
                "csrc/binding/tick.c",
                "csrc/binding/url.c",
            },
            defines = {"NDEBUG"},
            incdirs = {"csrc", "$(UV_INCDIR)", "$(MBEDTLS_INCDIR)"},
            libdirs = {"$(UV_LIBDIR)", "$(MBEDTLS_LIBDIR)"},
            libraries = {"uv", "mbedtls", "mbedx509", "mbedcrypto"},
        },
    },
    copy_directories = {},
}

test = {
    type = "command",
    command = "spec/run --quick",
}
