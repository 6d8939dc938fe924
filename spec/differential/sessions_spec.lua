-- behaviour.md 5: sessions that are closed and destroyed, and GOAWAY.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

-- A client with an open POST, to whose session something happens.
local function client_that(node, lua)
    return {
        node = ([[
            const session = t.connect();
            const request = t.read(t.request(session, {":method": "POST"}), "request");
            t.after(40, () => { %s });
        ]]):format(node),
        lua = function(t)
            local session = t:connect()
            local request = t:read(t:request(session, {[":method"] = "POST"}), "request")
            t:after(40, function() lua(session, request, t) end)
        end,
    }
end

-- A server with an open stream, to whose session something happens.
local function server_that(node, lua)
    return {
        node = ([[ t.serve({}, stream => {
            const session = stream.session;
            t.after(40, () => { %s });
        }); ]]):format(node),
        lua = function(t)
            t:serve({}, function(stream)
                local session = stream.session
                t:after(40, function() lua(session, stream, t) end)
            end)
        end,
    }
end

differential.describe("a session", function(scenario)
    for _, case in ipairs{
        {"destroy()", "session.destroy()", function(session) session:destroy() end},
        {"destroy(error)", "session.destroy(new Error('mine'))",
            function(session) session:destroy("mine") end},
        {"destroy(code)", "session.destroy(11)", function(session) session:destroy(11) end},
        {"destroy(error, code)", "session.destroy(new Error('mine'), 11)",
            function(session) session:destroy("mine", 11) end},
        {"goaway()", "session.goaway()", function(session) session:goaway() end, lasts = 0.2},
        {"goaway(code)", "session.goaway(11)", function(session) session:goaway(11) end},
        {"goaway(code, last, data)", "session.goaway(11, 0, Buffer.from('bye'))",
            function(session) session:goaway(11, 0, "bye") end},
    } do
        scenario{
            "that is ended by the client's " .. case[1],
            server = programs.reading_server,
            client = client_that(case[2], case[3]),
            by_object = true,
            lasts = case.lasts,
        }

        scenario{
            "that is ended by the server's " .. case[1],
            server = server_that(case[2], case[3]),
            client = programs.post,
            by_object = true,
            lasts = case.lasts,
        }
    end

    scenario{
        "that is closed with its last stream",
        server = programs.hello,
        client = {
            node = [[
                const session = t.connect();
                const request = t.read(t.request(session), "request");
                request.on("response", () => {
                    session.close(() => t.log("closed"));
                    session.close(() => t.log("never"));
                    t.log("state", session.closed, session.destroyed);
                    t.attempt("request", () => session.request());
                });
                session.on("close", () => t.log("state", session.closed, session.destroyed));
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:read(t:request(session), "request")
                request:on("response", function()
                    session:close(function() t:log("closed") end)
                    session:close(function() t:log("never") end)
                    t:log("state", session.closed, session.destroyed)
                    t:attempt("request", function() return session:request() end)
                end)
                session:on("close", function()
                    t:log("state", session.closed, session.destroyed)
                end)
            end,
        },
    }

    scenario{
        "that is closed before it is connected",
        client = {
            node = [[
                const session = t.connect();
                t.read(t.request(session), "request");
                session.close(() => t.log("closed"));
            ]],
            lua = function(t)
                local session = t:connect()
                t:read(t:request(session), "request")
                session:close(function() t:log("closed") end)
            end,
        },
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
        by_object = true,
    }

    scenario{
        "whose members are called after destroy()",
        server = programs.silent_server,
        client = client_that([[
            session.destroy();
            for (const call of ["request", "ping", "settings", "goaway", "setLocalWindowSize"])
                t.attempt(call, () => session[call](call === "ping" ? () => {} : undefined));
            for (const call of ["close", "destroy", "unref", "ref"])
                t.attempt(call, () => session[call]());
            t.log("state", session.state, session.remoteSettings);
            t.log("kept", session.encrypted, session.alpnProtocol, session.type,
                session.localSettings.initialWindowSize);
        ]], function(session, _, t)
            session:destroy()
            for _, call in ipairs{"request", "ping", "settings", "goaway", "setLocalWindowSize"} do
                t:attempt(call, function()
                    return session[call](session, call == "ping" and function() end or nil)
                end)
            end
            for _, call in ipairs{"close", "destroy", "unref", "ref"} do
                t:attempt(call, function() return session[call](session) end)
            end
            t:log("state", session.state, session.remoteSettings)
            t:log("kept", session.encrypted, session.alpnProtocol, session.type,
                session.localSettings.initialWindowSize)
        end),
        differs = {{
            "no call emits from inside itself",
            node = {"request aborted", "request threw ERR_HTTP2_INVALID_SESSION"},
            lua = {"request threw ERR_HTTP2_INVALID_SESSION"},
        }, {
            "no call emits from inside itself",
            node = {"request end"}, lua = {"request aborted", "request end"},
        }},
    }

    scenario{
        "whose stream's members are called after the stream's close",
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond({}, {endStream: true});
                stream.on("close", () => {
                    for (const call of ["respond", "additionalHeaders", "sendTrailers",
                        "pushStream", "close", "end"])
                        t.attempt(call, () => { stream[call](
                            call === "close" ? 0 : call === "end" ? undefined : {}, () => {}); });
                    t.log("kept", stream.id, stream.rstCode, stream.session, stream.state);
                });
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond({}, {endStream = true})
                    stream:on("close", function()
                        for _, call in ipairs{"respond", "additionalHeaders", "sendTrailers",
                            "pushStream", "close", "end"} do
                            t:attempt(call, function()
                                local first = {}
                                if call == "close" then first = 0 end
                                if call == "end" then first = nil end
                                stream[call](stream, first, function() end)
                            end)
                        end
                        t:log("kept", stream.id, stream.rstCode, stream.session, stream.state)
                    end)
                end)
            end,
        },
        client = programs.get,
    }
end)

-- A client with requests on streams 1 and 3, both of which read their answers.
local two_requests = {
    node = [[
        const session = t.connect();
        for (const path of ["/a", "/b"])
            t.read(t.request(session, {":path": path}, {}, path), path);
    ]],
    lua = function(t)
        local session = t:connect()
        for _, path in ipairs{"/a", "/b"} do
            t:read(t:request(session, {[":path"] = path}, {}, path), path)
        end
    end,
}

local function end_with(peer)
    peer:await_end()
    peer:close()
end

differential.describe("GOAWAY that comes", function(scenario)
    scenario{
        "with NO_ERROR and a last stream below one that is open",
        client = two_requests,
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 3)
            peer:send(frames.goaway(1, 0))
            peer:send(frames.response(1, 200), frames.data(1, "ok", frames.END_STREAM))
            end_with(peer)
        end,
        by_object = true,
    }

    scenario{
        "with NO_ERROR and the highest last stream",
        client = two_requests,
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 3)
            peer:send(frames.goaway(0x7fffffff, 0))
            for id = 1, 3, 2 do
                peer:send(frames.response(id, 200), frames.data(id, "ok", frames.END_STREAM))
            end
            end_with(peer)
        end,
        by_object = true,
    }

    for _, last in ipairs{0, 3} do
        scenario{
            ("with a code and last stream %d"):format(last),
            client = two_requests,
            peer = function(peer)
                peer:await_frame(frames.HEADERS, 3)
                peer:send(frames.goaway(last, 11, "calm down"))
                end_with(peer)
            end,
            by_object = true,
            differs = {{
                "the streams of a peer that gives up need no reset",
                node = {"RST_STREAM(1) ENHANCE_YOUR_CALM"}, lua = {}, trace = "frames",
            }},
        }
    end

    scenario{
        "with nothing open",
        server = programs.hello,
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_answer(1)
            peer:send(frames.goaway(0, 0))
            end_with(peer)
        end,
        by_object = true,
    }

    scenario{
        "to a server whose stream is open",
        server = server_that("stream.end('late')", function(_, stream)
            stream:finish("late")
        end),
        peer = function(peer)
            peer:send(frames.get(1))
            peer:send(frames.goaway(0, 0))
            peer:await_answer(1)
            end_with(peer)
        end,
        by_object = true,
    }

    scenario{
        "from us is not followed by new streams",
        server = {
            node = [[ t.serve({}, stream => {
                stream.session.close();
                t.after(60, () => stream.end("last"));
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream.session:close()
                    t:after(60, function() stream:finish("last") end)
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_frame(frames.GOAWAY)
            peer:send(frames.get(3))
            peer:await_answer(1)
            end_with(peer)
        end,
        by_object = true,
    }
end)
