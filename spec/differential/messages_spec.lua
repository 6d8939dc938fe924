-- behaviour.md 11 to 14: header fields, push, trailers, CONNECT.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

local function part(peer)
    peer:send(frames.goaway(0, 0))
    peer:await_end()
    peer:close()
end

-- The peer of a client that sends one request.
local function answer(peer)
    local request = peer:await_frame(frames.HEADERS)
    peer:send(frames.response(request.id, 200, {}, frames.END_HEADERS | frames.END_STREAM))
    differential.pause(0.02)
    peer:send(frames.goaway(request.id, 0))
    peer:await_end()
    peer:close()
end

-- A client that sends one request with these headers.
local function client_with(node, lua)
    return {
        node = ([[
            const request = t.read(t.request(t.connect(), %s), "request");
            t.log("sent", request.sentHeaders);
        ]]):format(node),
        lua = function(t, http2)
            local headers = type(lua) == "function" and lua(http2) or lua
            local request = t:read(t:request(t:connect(), headers), "request")
            t:log("sent", request.sentHeaders)
        end,
    }
end

differential.describe("header fields", function(scenario)
    scenario{
        "that are sent: numbers, booleans, lists, many names",
        client = client_with([[{
            ":path": "/a?b=c", ":method": "GET", ":scheme": "http",
            ":authority": "example.org:8000",
            "X-Number": 7, "x-true": true, "x-list": ["a", "b"], "x-one": ["c"], "x-none": [],
            "cookie": ["a=1", "b=2"], "te": "trailers",
        }]], {
            [":path"] = "/a?b=c", [":method"] = "GET", [":scheme"] = "http",
            [":authority"] = "example.org:8000", ["X-Number"] = 7, ["x-true"] = true,
            ["x-list"] = {"a", "b"}, ["x-one"] = {"c"}, ["x-none"] = {},
            cookie = {"a=1", "b=2"}, te = "trailers",
        }),
        peer = answer,
    }

    scenario{
        "that are sent with a host",
        client = {
            node = [[ t.request(t.connect(), {host: "example.org"}); ]],
            lua = function(t) t:request(t:connect(), {host = "example.org"}) end,
        },
        peer = answer,
    }

    scenario{
        "that are never to be indexed",
        client = {
            node = [[ t.request(t.connect(), {
                ":authority": "a", ":path": "/", "x-secret": "s", "x-plain": "p",
                [http2.sensitiveHeaders]: ["X-Secret"],
            }); ]],
            lua = function(t, http2)
                t:request(t:connect(), {
                    [":authority"] = "a", [":path"] = "/", ["x-secret"] = "s", ["x-plain"] = "p",
                    [http2.sensitiveHeaders] = {"X-Secret"},
                })
            end,
        },
        peer = answer,
    }

    scenario{
        "of octets that are not ASCII",
        server = {
            node = [[ t.serve({}, (stream, headers) => {
                stream.respond({"x-echo": headers["x-text"]}, {endStream: true});
            }); ]],
            lua = function(t)
                t:serve({}, function(stream, headers)
                    stream:respond({["x-echo"] = headers["x-text"]}, {endStream = true})
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1, "/", {"x-text", "caf\xe9"}))
            peer:await_answer(1)
            part(peer)
        end,
        by_object = true,
    }

    scenario{
        "that come more than once",
        server = {
            node = [[ t.serve({}, (stream, headers, flags, raw) => {
                t.log("raw", raw.slice(8));
                stream.respond({}, {endStream: true});
            }); ]],
            lua = function(t)
                t:serve({}, function(stream, _, _, raw)
                    t:log("raw", table.move(raw, 9, #raw, 1, {}))
                    stream:respond({}, {endStream = true})
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1, "/", {"cookie", "a=1", "x-many", "1", "set-cookie", "s=1",
                "cookie", "b=2", "x-many", "2", "etag", "first", "etag", "second",
                "content-type", "text/plain", "content-type", "text/html"}))
            peer:await_answer(1)
            part(peer)
        end,
        by_object = true,
    }

    scenario{
        "that come in an answer",
        client = {
            node = [[ t.read(t.request(t.connect()), "request"); ]],
            lua = function(t) t:read(t:request(t:connect()), "request") end,
        },
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 1)
            peer:send(frames.response(1, 404, {"set-cookie", "a=1", "set-cookie", "b=2",
                "age", "1", "age", "2", "x-a", "1", "x-a", "2"},
                frames.END_HEADERS | frames.END_STREAM))
            differential.pause(0.02)
            peer:send(frames.goaway(1, 0))
            peer:await_end()
            peer:close()
        end,
    }
end)

local refused = {
    {"two values of one that has only one", '{"content-type": ["a", "b"]}',
        {["content-type"] = {"a", "b"}}},
    {"two spellings of one that has only one", '{"etag": "a", "ETag": "b"}',
        {etag = "a", ETag = "b"}},
    {"a connection-specific one", '{"connection": "close"}', {connection = "close"}},
    {"transfer-encoding", '{"transfer-encoding": "chunked"}',
        {["transfer-encoding"] = "chunked"}},
    {"te other than trailers", '{"te": "gzip"}', {te = "gzip"}},
    {"an unknown pseudo-header", '{":unknown": "x"}', {[":unknown"] = "x"}},
    {"a CONNECT without authority", '{":method": "CONNECT"}', {[":method"] = "CONNECT"}},
    {"a CONNECT with a path", '{":method": "CONNECT", ":authority": "a:1", ":path": "/"}',
        {[":method"] = "CONNECT", [":authority"] = "a:1", [":path"] = "/"}},
    {"a CONNECT with a scheme", '{":method": "CONNECT", ":authority": "a:1", ":scheme": "http"}',
        {[":method"] = "CONNECT", [":authority"] = "a:1", [":scheme"] = "http"}},
}

differential.describe("header fields that are refused", function(scenario)
    local calls, tables = {}, {}
    for index, case in ipairs(refused) do
        calls[index] = ("t.attempt(%q, () => session.request(%s));"):format(case[1], case[2])
        tables[index] = {case[1], case[3]}
    end
    scenario{
        "by request()",
        client = {
            node = "const session = t.connect();" .. table.concat(calls)
                .. "session.on('connect', () => session.close());",
            lua = function(t)
                local session = t:connect()
                for _, case in ipairs(tables) do
                    t:attempt(case[1], function() return session:request(case[2]) end)
                end
                session:on("connect", function() session:close() end)
            end,
        },
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
    }

    scenario{
        "by request() for a name that is none",
        client = {
            node = [[
                const session = t.connect();
                session.on("connect", () => {
                    t.attempt("request", () => session.request({"bad name": "x"}));
                    t.log("destroyed", session.destroyed);
                    session.destroy();
                });
            ]],
            lua = function(t)
                local session = t:connect()
                session:on("connect", function()
                    t:attempt("request", function() return session:request{["bad name"] = "x"} end)
                    t:log("destroyed", session.destroyed)
                    session:destroy()
                end)
            end,
        },
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
        differs = {{
            "PORT: a wrong name is no reason to end the session",
            node = {"destroyed true", "session error TypeError ERR_INVALID_HTTP_TOKEN"},
            lua = {"destroyed false"},
        }, {
            "PORT",
            node = {"GOAWAY(0) INTERNAL_ERROR last=0"}, lua = {"GOAWAY(0) NO_ERROR last=0"},
            trace = "frames",
        }},
    }

    scenario{
        "by respond() and additionalHeaders()",
        server = {
            node = [[ t.serve({}, stream => {
                for (const headers of [{":status": 199}, {":status": 600}, {":path": "/"},
                    {"connection": "close"}, {"content-type": ["a", "b"]}, {"bad name": "x"}])
                    t.attempt("respond", () => stream.respond(headers));
                for (const headers of [{":status": 101}, {":status": 200}, {":path": "/"}])
                    t.attempt("additional", () => stream.additionalHeaders(headers));
                t.log("sent", stream.headersSent);
                stream.respond({}, {endStream: true});
                t.attempt("again", () => stream.respond());
                t.attempt("late", () => stream.additionalHeaders({":status": 103}));
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    for _, headers in ipairs{{[":status"] = 199}, {[":status"] = 600},
                        {[":path"] = "/"}, {connection = "close"}, {["content-type"] = {"a", "b"}},
                        {["bad name"] = "x"}} do
                        t:attempt("respond", function() return stream:respond(headers) end)
                    end
                    for _, headers in ipairs{{[":status"] = 101}, {[":status"] = 200},
                        {[":path"] = "/"}} do
                        t:attempt("additional", function()
                            return stream:additionalHeaders(headers)
                        end)
                    end
                    t:log("sent", stream.headersSent)
                    stream:respond({}, {endStream = true})
                    t:attempt("again", function() return stream:respond() end)
                    t:attempt("late", function()
                        return stream:additionalHeaders{[":status"] = 103}
                    end)
                end)
            end,
        },
        client = programs.get,
    }
end)

-- A server that waits for the moment of its trailers.
local function trailers_server(node, lua)
    return {
        node = ([[ t.serve({}, stream => {
            stream.respond({}, {waitForTrailers: true});
            t.attempt("early", () => stream.sendTrailers({"x-a": "1"}));
            stream.on("wantTrailers", () => { t.log("wanted"); %s });
            stream.end("body");
        }); ]]):format(node),
        lua = function(t)
            t:serve({}, function(stream)
                stream:respond({}, {waitForTrailers = true})
                t:attempt("early", function() return stream:sendTrailers{["x-a"] = "1"} end)
                stream:on("wantTrailers", function()
                    t:log("wanted")
                    lua(stream, t)
                end)
                stream:finish("body")
            end)
        end,
    }
end

differential.describe("trailers", function(scenario)
    scenario{
        "of a response, after some that are refused",
        server = trailers_server([[
            t.attempt("pseudo", () => stream.sendTrailers({":status": "1"}));
            t.attempt("good", () => stream.sendTrailers({"x-check": "done"}));
            t.attempt("twice", () => stream.sendTrailers({"x-check": "done"}));
            t.log("sent", stream.sentTrailers);
        ]], function(stream, t)
            t:attempt("pseudo", function() return stream:sendTrailers{[":status"] = "1"} end)
            t:attempt("good", function() return stream:sendTrailers{["x-check"] = "done"} end)
            t:attempt("twice", function() return stream:sendTrailers{["x-check"] = "done"} end)
            t:log("sent", stream.sentTrailers)
        end),
        client = programs.get,
    }

    scenario{
        "of a response that turn out to be none",
        server = trailers_server("stream.sendTrailers({});", function(stream)
            stream:sendTrailers{}
        end),
        client = programs.get,
    }

    scenario{
        "in the place of which the stream is closed",
        server = trailers_server("stream.close();", function(stream) stream:close() end),
        client = programs.get,
    }

    scenario{
        "that nobody listens for",
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond({}, {waitForTrailers: true});
                stream.end("body");
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond({}, {waitForTrailers = true})
                    stream:finish("body")
                end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "of a request",
        server = {
            node = [[ t.serve({}, stream => {
                t.read(stream);
                stream.on("end", () => t.after(10, () => stream.respond({}, {endStream: true})));
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    t:read(stream)
                    stream:on("end", function()
                        t:after(10, function() stream:respond({}, {endStream = true}) end)
                    end)
                end)
            end,
        },
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session, {":method": "POST"}, {waitForTrailers: true});
                request.on("wantTrailers", () => request.sendTrailers({"x-sum": "12"}));
                t.closeAfter(t.read(request, "request"), session);
                request.end("body");
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session, {[":method"] = "POST"},
                    {waitForTrailers = true})
                request:on("wantTrailers", function()
                    request:sendTrailers{["x-sum"] = "12"}
                end)
                t:close_after(t:read(request, "request"), session)
                request:finish("body")
            end,
        },
    }
end)

-- A server that pushes one stream with each answer.
local pushing_server = {
    node = [[ t.serve({}, stream => {
        t.log("allowed", stream.pushAllowed);
        t.attempt("push", () => stream.pushStream({":path": "/pushed"},
            (error, pushed, headers) => {
            t.log("pushed", error, pushed.id, pushed.pushAllowed, headers);
            t.stream(pushed);
            t.attempt("nested", () => pushed.pushStream({}, () => {}));
            pushed.respond({"x-pushed": "yes"});
            pushed.end("pushed body");
        }));
        stream.respond();
        stream.end("body");
    }); ]],
    lua = function(t)
        t:serve({}, function(stream)
            t:log("allowed", stream.pushAllowed)
            t:attempt("push", function()
                return stream:pushStream({[":path"] = "/pushed"}, function(err, pushed, headers)
                    t:log("pushed", err, pushed.id, pushed.pushAllowed, headers)
                    t:stream(pushed)
                    t:attempt("nested", function()
                        return pushed:pushStream({}, function() end)
                    end)
                    pushed:respond{["x-pushed"] = "yes"}
                    pushed:finish("pushed body")
                end)
            end)
            stream:respond()
            stream:finish("body")
        end)
    end,
}

differential.describe("push", function(scenario)
    scenario{
        "to a client that takes it",
        server = pushing_server,
        client = {
            node = [[
                const session = t.connect();
                session.on("stream", (pushed, headers, flags) => {
                    t.log("stream", pushed.id, headers, flags, pushed.writableEnded);
                    t.read(t.stream(pushed, "pushed"), "pushed");
                });
                t.closeAfter(t.read(t.request(session), "request"), session);
            ]],
            lua = function(t)
                local session = t:connect()
                session:on("stream", function(pushed, headers, flags)
                    t:log("stream", pushed.id, headers, flags, pushed.writableEnded)
                    t:read(t:stream(pushed, "pushed"), "pushed")
                end)
                t:close_after(t:read(t:request(session), "request"), session)
            end,
        },
        by_object = true,
        differs = {{
            "what is ready goes out before the push is answered, which is later",
            node = {"HEADERS(2) {:status: 200, date: *, x-pushed: yes}", "DATA(1) END_STREAM 4"},
            lua = {"DATA(1) END_STREAM 4", "HEADERS(2) {:status: 200, date: *, x-pushed: yes}"},
            trace = "server frames",
        }},
    }

    scenario{
        "to a client that forbids it",
        server = pushing_server,
        client = {
            node = [[
                const session = t.connect({settings: {enablePush: false}});
                t.closeAfter(t.read(t.request(session), "request"), session);
            ]],
            lua = function(t)
                local session = t:connect{settings = {enablePush = false}}
                t:close_after(t:read(t:request(session), "request"), session)
            end,
        },
    }

    scenario{
        "above maxReservedRemoteStreams",
        client = {
            node = [[
                const session = t.connect({maxReservedRemoteStreams: 1});
                session.on("stream", pushed => t.stream(pushed, "pushed " + pushed.id));
                t.request(session);
            ]],
            lua = function(t)
                local session = t:connect{maxReservedRemoteStreams = 1}
                session:on("stream", function(pushed)
                    t:stream(pushed, "pushed " .. pushed.id)
                end)
                t:request(session)
            end,
        },
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 1)
            for id = 2, 6, 2 do
                peer:send(peer:promise(1, id, "/" .. id))
            end
            peer:await_frame(frames.RST_STREAM)
            differential.pause(0.05)
        end,
        lasts = 0.05,
        differs = {{
            "ATTACKS.md: what is above the limit was not processed",
            node = {"RST_STREAM(4) CANCEL", "RST_STREAM(6) CANCEL"},
            lua = {"RST_STREAM(4) REFUSED_STREAM", "RST_STREAM(6) REFUSED_STREAM"},
            trace = "frames",
        }},
    }
end)

differential.describe("CONNECT", function(scenario)
    scenario{
        "that is accepted",
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond();
                stream.pipe(stream);
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond()
                    stream:pipe(stream)
                end)
            end,
        },
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session,
                    {":method": "CONNECT", ":authority": "example.org:443"});
                t.read(request, "request").on("response", () => request.end("tunnel"));
                t.closeAfter(request, session);
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session,
                    {[":method"] = "CONNECT", [":authority"] = "example.org:443"})
                t:read(request, "request"):on("response", function()
                    request:finish("tunnel")
                end)
                t:close_after(request, session)
            end,
        },
        differs = {{
            "the end goes with the last octets",
            node = {"DATA(1) 6", "DATA(1) END_STREAM 0"}, lua = {"DATA(1) END_STREAM 6"},
            trace = "server frames",
        }},
    }

    scenario{
        "with a protocol",
        server = {
            node = [[ t.serve({settings: {enableConnectProtocol: true}}, stream => {
                stream.respond({}, {endStream: true});
                stream.resume();
            }); ]],
            lua = function(t)
                t:serve({settings = {enableConnectProtocol = true}}, function(stream)
                    stream:respond({}, {endStream = true})
                    stream:resume()
                end)
            end,
        },
        client = {
            node = [[
                const session = t.connect();
                session.once("remoteSettings", settings => {
                    t.log("enabled", settings.enableConnectProtocol);
                    const request = session.request({":method": "CONNECT", ":protocol": "websocket",
                        ":path": "/chat"});
                    t.read(request, "request");
                    request.end();
                    t.closeAfter(request, session);
                });
            ]],
            lua = function(t)
                local session = t:connect()
                session:once("remoteSettings", function(settings)
                    t:log("enabled", settings.enableConnectProtocol)
                    local request = session:request{[":method"] = "CONNECT",
                        [":protocol"] = "websocket", [":path"] = "/chat"}
                    t:read(request, "request")
                    request:finish()
                    t:close_after(request, session)
                end)
            end,
        },
    }
end)

differential.describe("the identifiers of streams", function(scenario)
    scenario{
        "that run out",
        client = {
            node = [[
                const session = t.connect();
                session.on("connect", () => {
                    session.setNextStreamID(2 ** 31 - 1);
                    t.read(session.request(), "request");
                    const none = session.request();
                    none.on("error", error => t.log("none", error, none.rstCode, none.id));
                });
            ]],
            lua = function(t)
                local session = t:connect()
                session:on("connect", function()
                    session:setNextStreamID(2 ^ 31 - 1)
                    t:read(session:request(), "request")
                    local none = session:request()
                    none:on("error", function(err) t:log("none", err, none.rstCode, none.id) end)
                end)
            end,
        },
        peer = function(peer)
            answer(peer)
        end,
    }

    scenario{
        "that the peer may have no more of at once",
        server = {
            node = [[ t.serve({settings: {maxConcurrentStreams: 1}}, stream => {}); ]],
            lua = function(t)
                t:serve({settings = {maxConcurrentStreams = 1}}, function() end)
            end,
        },
        silent = true,
        peer = function(peer)
            peer.acknowledges = false
            peer:send(frames.preface, frames.settings(), frames.post(1), frames.post(3))
            peer:await_frame(frames.RST_STREAM, 3)
            differential.pause(0.05)
        end,
        lasts = 0.05,
        by_object = true,
    }
end)
