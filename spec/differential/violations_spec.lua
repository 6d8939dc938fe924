-- behaviour.md 7: what a peer must not send.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

-- A server that answers what has no body, and only reads the rest.
local server = {
    node = [[ t.serve({}, (stream, headers, flags) => {
        t.read(stream);
        if (flags & 1) {
            stream.respond();
            stream.end("ok");
        }
    }); ]],
    lua = function(t)
        t:serve({}, function(stream, _, flags)
            t:read(stream)
            if flags & 1 ~= 0 then
                stream:respond()
                stream:finish("ok")
            end
        end)
    end,
}

-- A client with one request open, whose answer it does not read.
local client = {
    node = [[ t.request(t.connect()); ]],
    lua = function(t) t:request(t:connect()) end,
}

local function request(id, more, flags)
    return frames.headers(id, frames.request_fields("GET", "/", more),
        flags or frames.END_HEADERS | frames.END_STREAM)
end

-- What the next request after a violation sees; Node forgets a "finish" that the close overtakes.
local finish_is_told = {
    "\"finish\" comes before \"close\"",
    node = {"stream 9 end", "stream 9 close 0"},
    lua = {"stream 9 end", "stream 9 finish", "stream 9 close 0"},
}

-- `first` is seen before `second` is sent. Stream 1 is reset, the connection goes on.
local function resets(first, second)
    return function(peer)
        if second then
            peer:send(first)
            peer:await_pong()
        end
        peer:send(second or first)
        peer:await_frame(frames.RST_STREAM, 1)
        peer:await_service(9)
        peer:send(frames.goaway(0, 0))
        peer:await_end()
        peer:close()
    end
end

-- The connection ends with GOAWAY.
local function ends(first, second)
    return function(peer)
        if second then
            peer:send(first)
            peer:await_pong()
        end
        peer:send(second or first)
        peer:await_frame(frames.GOAWAY)
    end
end

local late_end = frames.END_HEADERS | frames.END_STREAM

differential.describe("a wrong request", function(scenario)
    for _, case in ipairs{
        {"without :path", frames.headers(1, {":method", "GET", ":scheme", "http",
            ":authority", "localhost"}, late_end)},
        {"without a word of who is asked", frames.headers(1, {":method", "GET",
            ":scheme", "http", ":path", "/"}, late_end)},
        {"with an empty :path", frames.get(1, "")},
        {"with a field name in upper case", request(1, {"X-Upper", "1"})},
        {"with a connection-specific field", request(1, {"connection", "close"})},
        {"with te other than trailers", request(1, {"te", "gzip"})},
        {"with a content-length and no body", request(1, {"content-length", "5"})},
        {"with :protocol that was not enabled", frames.headers(1, {":method", "CONNECT",
            ":protocol", "websocket", ":scheme", "http", ":path", "/", ":authority", "localhost"})},
        {"with a body longer than its content-length",
            frames.post(1, "/", {"content-length", "2"}), frames.data(1, "more")},
        {"with a body shorter than its content-length",
            frames.post(1, "/", {"content-length", "9"}), frames.data(1, "", frames.END_STREAM)},
        {"with a pseudo-header in its trailers", frames.post(1),
            frames.headers(1, {":path", "/"}, late_end)},
        {"with a second HEADERS that does not end it", frames.post(1),
            frames.headers(1, {"x-late", "1"})},
    } do
        scenario{
            case[1], server = server, peer = resets(case[2], case[3]), by_object = true,
            differs = {finish_is_told},
        }
    end

    scenario{
        "with a field value that is none",
        server = server,
        peer = function(peer)
            peer:send(request(1, {"x-bad", "a\rb", "x-good", "yes"}))
            differential.pause(0.05)
            peer:send(frames.goaway(0, 0))
            peer:await_end()
            peer:close()
        end,
        by_object = true,
        differs = {{
            "a value that could be smuggled on makes the request malformed (RFC 9113 8.2.1)",
            node = {'server stream 1 {:authority: "localhost", :method: "GET", :path: "/", '
                .. ':scheme: "http", x-good: "yes"} 5'},
            lua = {},
        }, {
            "and nothing is told of it",
            node = {"stream 1 end", "stream 1 close 0"}, lua = {},
        }, {
            "and resets it",
            node = {"HEADERS(1) {:status: 200, date: *}", "DATA(1) END_STREAM 2"},
            lua = {"RST_STREAM(1) PROTOCOL_ERROR"}, trace = "frames",
        }, {
            "as one that was not processed",
            node = {"GOAWAY(0) NO_ERROR last=1"}, lua = {"GOAWAY(0) NO_ERROR last=0"},
            trace = "frames",
        }},
    }
end)

-- Node ends most violations with INTERNAL_ERROR.
local function code_is(code, last)
    return {
        "GOAWAY says what was wrong",
        node = {("GOAWAY(0) INTERNAL_ERROR last=%d"):format(last)},
        lua = {("GOAWAY(0) %s last=%d"):format(code, last)},
        trace = "frames",
    }
end

differential.describe("a violation", function(scenario)
    for _, case in ipairs{
        {"of the stream identifiers", frames.post(1), request(2)},
        {"of an idle stream by RST_STREAM", frames.post(1), frames.rst_stream(5, 8)},
        {"by PUSH_PROMISE to a server", frames.post(1),
            frames.push_promise(1, 2, frames.request_fields("GET", "/"))},
        {"by an acknowledgement that nothing asked for", frames.post(1),
            frames.ping(nil, frames.ACK)},
        {"by a setting out of range", frames.post(1), frames.settings{{frames.ENABLE_PUSH, 2}}},
        {"by HEADERS behind the end of a stream",
            frames.post(1) .. frames.data(1, "", frames.END_STREAM), request(1),
            code = "STREAM_CLOSED"},
        {"by an acknowledgement of SETTINGS that nothing asked for", frames.post(1),
            frames.settings_ack()},
        {"of a stream's window by too much", frames.post(1), frames.window_update(1, 0x7fffffff),
            code = "FLOW_CONTROL_ERROR"},
        {"by more CONTINUATION than anybody needs", frames.post(1),
            frames.frame(frames.HEADERS, frames.END_STREAM, 3, "\x82")
            .. frames.frame(frames.CONTINUATION, 0, 3, "\x86"):rep(9),
            {
                "GOAWAY says what was wrong, and what was processed",
                node = {"RST_STREAM(3) PROTOCOL_ERROR", "GOAWAY(0) INTERNAL_ERROR last=3"},
                lua = {"GOAWAY(0) ENHANCE_YOUR_CALM last=1"}, trace = "frames",
            }},
        {"of the connection window by zero", frames.post(1), frames.window_update(0, 0)},
        {"of the connection window by too much", frames.post(1),
            frames.window_update(0, 0x7fffffff), code = "FLOW_CONTROL_ERROR"},
    } do
        scenario{
            case[1], server = server, peer = ends(case[2], case[3]), by_object = true,
            differs = {case[4] or code_is(case.code or "PROTOCOL_ERROR", 1)},
        }
    end

    for _, case in ipairs{
        {"of the preface", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
        {"by a first frame that is not SETTINGS", frames.preface .. frames.ping()},
    } do
        scenario{
            case[1],
            server = server,
            peer = function(peer)
                peer:send(case[2])
                differential.pause(0.1)
            end,
            silent = true,
            differs = {code_is("PROTOCOL_ERROR", 0)},
        }
    end

    scenario{
        "by frames of types that nobody knows, which is none",
        server = server,
        peer = function(peer)
            peer:send(frames.frame(0xbb, 0xff, 0, "what?"), frames.frame(0xbc, 0, 1, "what?"))
            peer:await_service(9)
            programs.part(peer)
        end,
        by_object = true,
        differs = {finish_is_told},
    }
end)

local many_settings = {}
for index = 1, 33 do
    many_settings[index] = {0x1000 + index, 1}
end

differential.describe("a violation that Node does not report", function(scenario)
    for _, case in ipairs{
        {"by DATA on an idle stream", frames.data(5, "x")},
        {"by PRIORITY of a stream on itself", frames.priority(1, 1)},
        {"by more settings than are allowed", frames.settings(many_settings)},
        {"by a frame that is too large", frames.data(1, ("x"):rep(16385))},
        {"of the compression", frames.headers(3, "\xff\xff\xff\xff\x0f"), {
            "what cannot be decoded is not processed",
            node = {"GOAWAY(0) COMPRESSION_ERROR last=3"},
            lua = {"GOAWAY(0) COMPRESSION_ERROR last=1"}, trace = "frames",
        }},
    } do
        scenario{
            case[1], server = server,
            peer = function(peer)
                ends(frames.post(1), case[2])(peer)
                peer:finish()
                differential.pause(0.05)
            end,
            lasts = 0.05, by_object = true,
            differs = {{
                "PORT: the session ends with an error, and so do its streams",
                node = {"session connect"},
                lua = {"session connect", "session error ERR_HTTP2_ERROR", "session close"},
            }, {
                "PORT",
                node = {}, lua = {"server sessionError ERR_HTTP2_ERROR", "stream 1 aborted",
                    "stream 1 error ERR_HTTP2_ERROR", "stream 1 close 2 aborted"},
            }, case[3]},
        }
    end
end)

local many_fields = {}
for index = 1, 130 do
    many_fields[2 * index - 1], many_fields[2 * index] = "x-" .. index, "1"
end

-- What comes on the stream of the request, then GOAWAY.
local function answers(first, second)
    return function(peer)
        peer:await_frame(frames.HEADERS, 1)
        if second then
            peer:send(first)
            peer:await_pong()
        end
        peer:send(second or first)
        peer:await_frame(frames.RST_STREAM, 1)
        peer:send(frames.goaway(1, 0))
        peer:await_end()
        peer:close()
    end
end

differential.describe("a wrong response", function(scenario)
    for _, case in ipairs{
        {"with END_STREAM on an informational one", frames.response(1, 103, {}, late_end)},
        {"with a body though the status has none", frames.response(1, 204), frames.data(1, "x")},
        {"with a body shorter than its content-length",
            frames.response(1, 200, {"content-length", "9"}),
            frames.data(1, "", frames.END_STREAM)},
        {"without a status", frames.headers(1, {"x-a", "1"})},
        {"with a content-length on a status without a body, and a body",
            frames.response(1, 304, {"content-length", "1"}), frames.data(1, "x")},
        {"with more fields than maxHeaderListPairs", frames.response(1, 200, many_fields)},
        {"that overruns the window of the stream", frames.response(1, 200),
            frames.data(1, ("x"):rep(16384)):rep(5)},
    } do
        scenario{
            case[1], client = client, peer = answers(case[2], case[3]), by_object = true,
        }
    end

    -- The peer of a client whose session ends.
    local function ends_client(...)
        local octets = table.concat{...}
        return function(peer)
            peer:await_frame(frames.HEADERS, 1)
            peer:send(octets)
            peer:await_frame(frames.GOAWAY)
            differential.pause(0.05)
        end
    end

    scenario{
        "with a body and HEAD",
        client = {
            node = [[ t.request(t.connect(), {":method": "HEAD"}); ]],
            lua = function(t) t:request(t:connect(), {[":method"] = "HEAD"}) end,
        },
        peer = answers(frames.response(1, 200), frames.data(1, "x")),
        by_object = true,
    }

    scenario{
        "with DATA before it",
        client = client,
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 1)
            peer:send(frames.data(1, "x"))
            differential.pause(0.05)
        end,
        lasts = 0.05, by_object = true,
        differs = {{
            "RFC 9113 8.1.1: it costs the stream alone",
            node = {"request finish"},
            lua = {"request finish", "request error ERR_HTTP2_STREAM_ERROR", "request close 1"},
        }, {
            "and the connection goes on",
            node = {"GOAWAY(0) PROTOCOL_ERROR last=0"}, lua = {"RST_STREAM(1) PROTOCOL_ERROR"},
            trace = "frames",
        }},
    }

    scenario{
        "beside a push to a client that forbids it",
        client = {
            node = [[ t.request(t.connect({settings: {enablePush: false}})); ]],
            lua = function(t) t:request(t:connect{settings = {enablePush = false}}) end,
        },
        peer = ends_client(frames.push_promise(1, 2, frames.request_fields("GET", "/"))),
        by_object = true, differs = {code_is("PROTOCOL_ERROR", 0)},
    }

    scenario{
        "of a server that wants to be pushed to",
        client = client, peer = ends_client(frames.settings{{frames.ENABLE_PUSH, 1}}),
        by_object = true, differs = {code_is("PROTOCOL_ERROR", 0)},
    }
end)
