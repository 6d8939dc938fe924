-- behaviour.md 11 and 12: header fields, sent and received.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

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
        peer = programs.answer,
    }

    scenario{
        "that are sent with a host",
        client = {
            node = [[ t.request(t.connect(), {host: "example.org"}); ]],
            lua = function(t) t:request(t:connect(), {host = "example.org"}) end,
        },
        peer = programs.answer,
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
        peer = programs.answer,
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
            programs.part(peer)
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
            programs.part(peer)
        end,
        by_object = true,
    }

    scenario{
        "in the order that the program gives",
        client = {
            node = [[ t.request(t.connect(), {
                ":path": "/x", ":method": "GET", ":authority": "a", ":scheme": "http",
                "x-z": "1", "x-a": ["2", "3"], "accept": "x",
            }); ]],
            lua = function(t)
                t:request(t:connect(), {
                    ":path", "/x", ":method", "GET", ":authority", "a", ":scheme", "http",
                    "x-z", "1", "x-a", "2", "x-a", "3", "accept", "x",
                })
            end,
        },
        server = {
            node = [[ t.serve({}, (stream, headers, flags, raw) => {
                t.log("raw", raw.slice(8));
                stream.respond({}, {endStream: true});
                stream.session.close();
            }); ]],
            lua = function(t)
                t:serve({}, function(stream, _, _, raw)
                    t:log("raw", table.move(raw, 9, #raw, 1, {}))
                    stream:respond({}, {endStream = true})
                    stream.session:close()
                end)
            end,
        },
        by_object = true,
    }

    scenario{
        "of which the program says the date",
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond({date: "yesterday"}, {endStream: true});
                t.log("date", stream.sentHeaders.date);
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond({date = "yesterday"}, {endStream = true})
                    t:log("date", stream.sentHeaders.date)
                end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "of a request with host in the place of :authority",
        server = {
            node = [[ t.serve({}, stream => stream.respond({}, {endStream: true})); ]],
            lua = function(t)
                t:serve({}, function(stream) stream:respond({}, {endStream = true}) end)
            end,
        },
        peer = function(peer)
            peer:send(frames.headers(1, {":method", "GET", ":scheme", "http", ":path", "/",
                "host", "example.org"}, frames.END_HEADERS | frames.END_STREAM))
            peer:await_answer(1)
            programs.part(peer)
        end,
        by_object = true,
    }

    for _, side in ipairs{"client", "server"} do
        scenario{
            "that are too large, of a " .. side,
            server = side == "client" and programs.hello or {
                node = [[ t.serve({}, stream => {
                    stream.respond({"x-a": "y".repeat(70000)});
                    stream.end("late");
                }); ]],
                lua = function(t)
                    t:serve({}, function(stream)
                        stream:respond{["x-a"] = ("y"):rep(70000)}
                        stream:finish("late")
                    end)
                end,
            },
            client = side == "server" and programs.get or {
                node = [[
                    const session = t.connect();
                    session.on("connect", () =>
                        t.request(session, {"x-a": "y".repeat(70000)}));
                ]],
                lua = function(t)
                    local session = t:connect()
                    session:on("connect", function()
                        t:request(session, {["x-a"] = ("y"):rep(70000)})
                    end)
                end,
            },
            by_object = true,
            differs = side == "client" and {{
                "what was never sent has not finished",
                node = {"request finish", "request frameError 1 6 1"},
                lua = {"request frameError 1 6 1"},
            }} or nil,
        }
    end

    scenario{
        "that are never indexed, with those that a program marks",
        server = {
            node = [[ t.serve({}, stream => stream.respond({}, {endStream: true})); ]],
            lua = function(t)
                t:serve({}, function(stream) stream:respond({}, {endStream = true}) end)
            end,
        },
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session, {authorization: "x", cookie: ["a=1", "b=2"],
                    "x-sec": "s", [http2.sensitiveHeaders]: ["x-sec"]});
                t.closeAfter(t.read(request, "request"), session);
            ]],
            lua = function(t, http2)
                local session = t:connect()
                local request = t:request(session, {authorization = "x",
                    cookie = {"a=1", "b=2"}, ["x-sec"] = "s",
                    [http2.sensitiveHeaders] = {"x-sec"}})
                t:close_after(t:read(request, "request"), session)
            end,
        },
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
    {"upgrade", '{"upgrade": "h2c"}', {upgrade = "h2c"}},
    {"http2-settings", '{"HTTP2-Settings": "x"}', {["HTTP2-Settings"] = "x"}},
    {"keep-alive", '{"keep-alive": "x"}', {["keep-alive"] = "x"}},
    {"proxy-connection", '{"proxy-connection": "x"}', {["proxy-connection"] = "x"}},
    {"te other than trailers", '{"te": "gzip"}', {te = "gzip"}},
    {"an unknown pseudo-header", '{":unknown": "x"}', {[":unknown"] = "x"}},
    {"a CONNECT without authority", '{":method": "CONNECT"}', {[":method"] = "CONNECT"}},
    {"a CONNECT with a path", '{":method": "CONNECT", ":authority": "a:1", ":path": "/"}',
        {[":method"] = "CONNECT", [":authority"] = "a:1", [":path"] = "/"}},
    {"a CONNECT with a scheme", '{":method": "CONNECT", ":authority": "a:1", ":scheme": "http"}',
        {[":method"] = "CONNECT", [":authority"] = "a:1", [":scheme"] = "http"}},
}

local single = ":status :method :authority :scheme :path :protocol "
    .. "access-control-allow-credentials access-control-max-age access-control-request-method age "
    .. "authorization content-encoding content-language content-length content-location "
    .. "content-md5 content-range content-type date dnt etag expires from host if-match "
    .. "if-modified-since if-none-match if-range if-unmodified-since last-modified location "
    .. "max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests "
    .. "user-agent x-content-type-options"

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
        "by request() for two values, of all that can have but one",
        client = {
            node = ([[
                const session = t.connect();
                for (const name of "%s".split(" "))
                    t.attempt(name, () => session.request({[name]: ["1", "2"]}));
                session.on("connect", () => session.close());
            ]]):format(single),
            lua = function(t)
                local session = t:connect()
                for name in single:gmatch("%S+") do
                    t:attempt(name, function() return session:request{[name] = {"1", "2"}} end)
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
