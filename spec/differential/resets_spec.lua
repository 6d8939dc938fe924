-- behaviour.md 4: streams that are cut short, by either side, at each stage.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

-- A client whose POST is open when `node` or `lua` happens to it.
local function open_post(node, lua)
    return {
        node = ([[
            const session = t.connect();
            const request = t.read(t.request(session, {":method": "POST"}), "request");
            t.closeAfter(request, session);
            t.after(30, () => { %s });
        ]]):format(node),
        lua = function(t)
            local session = t:connect()
            local request = t:read(t:request(session, {[":method"] = "POST"}), "request")
            t:close_after(request, session)
            t:after(30, function() lua(request, t) end)
        end,
    }
end

-- A server to whose stream that happens at once.
local function server_that(node, lua)
    return {
        node = ("t.serve({}, stream => { %s });"):format(node),
        lua = function(t)
            t:serve({}, function(stream) lua(stream, t) end)
        end,
    }
end

differential.describe("a reset", function(scenario)
    for _, code in ipairs{0, 2, 8, 255} do
        scenario{
            ("by the client with code %d"):format(code),
            server = programs.reading_server,
            client = open_post(("request.close(%d)"):format(code), function(request)
                request:close(code)
            end),
            differs = {{
                "a reset does not pretend to be the end of the body",
                node = {"DATA(1) END_STREAM 0"}, lua = {}, trace = "client frames",
            }},
        }

        scenario{
            ("by the server with code %d before the response"):format(code),
            server = server_that(("stream.close(%d)"):format(code), function(stream)
                stream:close(code)
            end),
            client = programs.get,
        }
    end

    scenario{
        "by the server in the middle of its response",
        server = server_that([[
            stream.respond();
            stream.write("some");
            t.after(30, () => stream.close(2));
        ]], function(stream, t)
            stream:respond()
            stream:write("some")
            t:after(30, function() stream:close(2) end)
        end),
        client = programs.get,
        differs = {{
            "PORT: the client sees the reset, not a clean end",
            node = {"DATA(1) END_STREAM 0", "RST_STREAM(1) NO_ERROR"},
            lua = {"RST_STREAM(1) INTERNAL_ERROR"}, trace = "server frames",
        }, {
            "so nothing has ended when it is reset",
            node = {"stream 1 end"}, lua = {}, trace = "server",
        }},
    }

    scenario{
        "by the server while its response waits for the window",
        server = server_that([[
            stream.respond();
            stream.write(Buffer.alloc(100000));
            t.after(30, () => stream.close(2));
        ]], function(stream, t)
            stream:respond()
            stream:write(("\0"):rep(100000))
            t:after(30, function() stream:close(2) end)
        end),
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session);
                t.closeAfter(request, session);
            ]],
            lua = function(t)
                local session = t:connect()
                t:close_after(t:request(session), session)
            end,
        },
    }

    for _, case in ipairs{
        {"destroy()", "destroy()", function(stream) stream:destroy() end},
        {"destroy(error)", "destroy(new Error('mine'))",
            function(stream) stream:destroy("mine") end},
        {"close(7) and destroy(error)", "close(7); OBJECT.destroy(new Error('mine'))",
            function(stream)
                stream:close(7)
                stream:destroy("mine")
            end,
            client_differs = {{
                "a reset does not pretend to be the end of the body",
                node = {"DATA(1) END_STREAM 0"}, lua = {}, trace = "client frames",
            }}},
    } do
        scenario{
            "by the server's " .. case[1],
            server = server_that("stream." .. case[2]:gsub("OBJECT", "stream"), case[3]),
            client = programs.get,
        }

        scenario{
            "by the client's " .. case[1],
            server = programs.reading_server,
            client = open_post("request." .. case[2]:gsub("OBJECT", "request"), case[3]),
            differs = case.client_differs,
        }
    end

    scenario{
        "by an AbortSignal",
        server = programs.reading_server,
        client = {
            node = [[
                const session = t.connect(), controller = new AbortController();
                const request = t.request(session, {":method": "POST"},
                    {signal: controller.signal});
                t.closeAfter(request, session);
                t.after(30, () => controller.abort(new Error('enough')));
            ]],
            lua = function(t, http2)
                local session, controller = t:connect(), http2.AbortController()
                local request = t:request(session, {[":method"] = "POST"},
                    {signal = controller.signal})
                t:close_after(request, session)
                t:after(30, function() controller:abort("enough") end)
            end,
        },
    }

    scenario{
        "by an AbortSignal that was aborted before",
        client = {
            node = [[
                const session = t.connect(), controller = new AbortController();
                controller.abort(new Error('enough'));
                const request = t.request(session, {}, {signal: controller.signal});
                t.log("destroyed", request.destroyed);
                t.closeAfter(request, session);
            ]],
            lua = function(t, http2)
                local session, controller = t:connect(), http2.AbortController()
                controller:abort("enough")
                local request = t:request(session, {}, {signal = controller.signal})
                t:log("destroyed", request.destroyed)
                t:close_after(request, session)
            end,
        },
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
    }

    scenario{
        "of a request that waits for the connection",
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session);
                request.close(8);
                t.log("state", request.pending, request.closed, request.destroyed);
                t.closeAfter(request, session);
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session)
                request:close(8)
                t:log("state", request.pending, request.closed, request.destroyed)
                t:close_after(request, session)
            end,
        },
        peer = function(peer)
            peer:await_frame(frames.RST_STREAM, 1)
            peer:await_end()
            peer:close()
        end,
    }

    scenario{
        "by destroy() of a request that waits for the connection",
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session);
                request.destroy();
                request.on("close", () => t.log("id", request.id));
                t.closeAfter(request, session);
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session)
                request:destroy()
                request:on("close", function() t:log("id", request.id) end)
                t:close_after(request, session)
            end,
        },
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
    }
end)

-- The server has more to send than the window takes when RST_STREAM comes.
local blocked = {
    node = [[ t.serve({}, stream => {
        stream.respond();
        stream.write(Buffer.alloc(100000), error => t.log("written", error));
        stream.on("close", () => t.log("after", stream.destroyed));
    }); ]],
    lua = function(t)
        t:serve({}, function(stream)
            stream:respond()
            stream:write(("\0"):rep(100000), function(err) t:log("written", err) end)
            stream:on("close", function() t:log("after", stream.destroyed) end)
        end)
    end,
}

local function reset_by_peer(code)
    return function(peer)
        peer:send(frames.get(1))
        local octets = 0
        while octets < 65535 do
            octets = octets + #peer:await_frame(frames.DATA, 1).payload
        end
        peer:send(frames.rst_stream(1, code))
        peer:await_pong()
        differential.pause(0.05)
    end
end

differential.describe("RST_STREAM while a write waits for the window", function(scenario)
    scenario{
        "with NO_ERROR",
        server = blocked,
        peer = reset_by_peer(0),
        lasts = 0.05,
        differs = {{
            "PORT: the write fails and the stream closes; in Node both hang",
            node = {"stream 1 aborted", "stream 1 end"},
            lua = {"written ERR_STREAM_DESTROYED", "stream 1 aborted", "stream 1 end",
                "stream 1 close 0 aborted", "after true"},
        }},
    }

    scenario{
        "with INTERNAL_ERROR",
        server = blocked,
        peer = reset_by_peer(2),
        lasts = 0.05,
        differs = {{
            "a write that was not sent hears of it",
            node = {"stream 1 aborted"},
            lua = {"written ERR_HTTP2_STREAM_ERROR", "stream 1 aborted"},
        }, {
            "and not that it was",
            node = {"written nil"}, lua = {},
        }},
    }

    scenario{
        "with CANCEL",
        server = blocked,
        peer = reset_by_peer(8),
        lasts = 0.05,
        differs = {{
            "a write that was not sent hears of it",
            node = {"stream 1 aborted"},
            lua = {"written ERR_STREAM_DESTROYED", "stream 1 aborted"},
        }, {
            "and not that it was",
            node = {"written nil"}, lua = {},
        }},
    }
end)

-- A client that begins to read 50 ms after the response.
local late_reader = {
    node = [[
        const request = t.request(t.connect());
        request.on("response", () => t.after(50, () => {
            t.log("destroyed", request.destroyed);
            t.read(request, "request");
        }));
    ]],
    lua = function(t)
        local request = t:request(t:connect())
        request:on("response", function()
            t:after(50, function()
                t:log("destroyed", request.destroyed)
                t:read(request, "request")
            end)
        end)
    end,
}

differential.describe("a body that is not read yet", function(scenario)
    for _, code in ipairs{0, 2, 8} do
        scenario{
            ("when RST_STREAM comes with code %d"):format(code),
            client = late_reader,
            peer = function(peer)
                peer:await_frame(frames.HEADERS, 1)
                peer:send(frames.response(1, 200), frames.data(1, "unread"),
                    frames.rst_stream(1, code))
                peer:await_pong()
                differential.pause(0.1)
                peer:send(frames.goaway(1, 0))
                peer:await_end()
                peer:close()
            end,
            differs = code == 8 and {{
                "what came before a cancellation is delivered before it",
                node = {"request close 8", "destroyed true"},
                lua = {"destroyed false", "request data 6", "request end", "request close 8"},
            }} or nil,
        }
    end
end)

-- No call emits from inside itself (in Node "aborted" does).
local aborted_follows = {{
    "\"aborted\" follows the call that caused it",
    node = {"request aborted", "gave false"}, lua = {"gave false", "request aborted"},
}}
local aborted_follows_close = {aborted_follows[1], {
    "a reset does not pretend to be the end of the body",
    node = {"DATA(1) END_STREAM 0"}, lua = {}, trace = "client frames",
}}

differential.describe("a write", function(scenario)
    scenario{
        "after finish()",
        server = programs.hello,
        client = open_post([[
            request.end("all");
            t.log("gave", request.write("more", error => t.log("callback", error)));
        ]], function(request, t)
            request:finish("all")
            t:log("gave", request:write("more", function(err) t:log("callback", err) end))
        end),
    }

    scenario{
        "after close()",
        server = programs.reading_server,
        client = open_post([[
            request.close(8);
            t.log("gave", request.write("more", error => t.log("callback", error)));
        ]], function(request, t)
            request:close(8)
            t:log("gave", request:write("more", function(err) t:log("callback", err) end))
        end),
        differs = aborted_follows_close,
    }

    scenario{
        "after destroy()",
        server = programs.reading_server,
        client = open_post([[
            request.destroy();
            t.log("gave", request.write("more", error => t.log("callback", error)));
        ]], function(request, t)
            request:destroy()
            t:log("gave", request:write("more", function(err) t:log("callback", err) end))
        end),
        differs = aborted_follows,
    }

    for _, case in ipairs{
        {"a HEAD request", "", "HEAD"}, {"status 204", "{':status': 204}", "GET"},
    } do
        scenario{
            "to the answer of " .. case[1],
            server = {
                node = ([[ t.serve({}, stream => {
                    stream.respond(%s);
                    t.log("gave", stream.write("no", error => t.log("callback", error)));
                }); ]]):format(case[2]),
                lua = function(t)
                    t:serve({}, function(stream)
                        stream:respond(case[3] == "GET" and {[":status"] = 204} or nil)
                        t:log("gave", stream:write("no", function(err) t:log("callback", err) end))
                    end)
                end,
            },
            client = {
                node = ([[
                    const session = t.connect();
                    const request = t.request(session, {":method": "%s"});
                    t.closeAfter(t.read(request, "request"), session);
                ]]):format(case[3]),
                lua = function(t)
                    local session = t:connect()
                    local request = t:request(session, {[":method"] = case[3]})
                    t:close_after(t:read(request, "request"), session)
                end,
            },
        }
    end
end)
