-- behaviour.md 1, 3 and 10: what goes out, and when.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

local function client_that(node, lua)
    return {
        node = ([[
            const session = t.connect();
            %s
        ]]):format(node),
        lua = function(t) lua(t:connect(), t) end,
    }
end

local function server_that(node, lua)
    return {
        node = ("t.serve({}, stream => { %s });"):format(node),
        lua = function(t)
            t:serve({}, function(stream) lua(stream, t) end)
        end,
    }
end

-- Answers each request without a body.
local function answer_all(count)
    return function(peer)
        for index = 1, count do
            peer:await_frame(frames.HEADERS, 2 * index - 1)
        end
        differential.pause(0.01)
        for index = 1, count do
            peer:send(frames.response(2 * index - 1, 200, {},
                frames.END_HEADERS | frames.END_STREAM))
        end
        differential.pause(0.01)
        peer:send(frames.goaway(2 * count - 1, 0))
        peer:await_end()
        peer:close()
    end
end

local plain_get = "{:authority: 127.0.0.1:PORT, :method: GET, :path: /, :scheme: http}"

local methods = {"GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS", "OTHER"}

differential.describe("on the wire", function(scenario)
    scenario{
        "requests end with their headers, or not, by their methods",
        client = client_that(([[
            for (const method of "%s".split(" ")) {
                const request = t.request(session, {":method": method}, {}, method);
                t.log(method, "ended", request.writableEnded);
                t.read(request, method).on("response", () => request.end());
            }
        ]]):format(table.concat(methods, " ")), function(session, t)
            for _, method in ipairs(methods) do
                local request = t:request(session, {[":method"] = method}, {}, method)
                t:log(method, "ended", request.writableEnded)
                t:read(request, method):on("response", function() request:finish() end)
            end
        end),
        peer = answer_all(#methods),
        by_object = true,
    }

    scenario{
        "requests end as the program says",
        client = client_that([[
            t.read(t.request(session, {":method": "POST"}, {endStream: true}, "post"), "post");
            const get = t.read(t.request(session, {}, {endStream: false}, "get"), "get");
            t.after(5, () => get.end());
        ]], function(session, t)
            t:read(t:request(session, {[":method"] = "POST"}, {endStream = true}, "post"), "post")
            local get = t:read(t:request(session, {}, {endStream = false}, "get"), "get")
            t:after(5, function() get:finish() end)
        end),
        peer = answer_all(2),
        by_object = true,
    }

    scenario{
        "a body ends with its last octets, or by itself when that comes later",
        server = server_that([[
            stream.respond();
            stream.write("one");
            t.after(20, () => {
                stream.write("two");
                t.after(20, () => stream.end());
            });
        ]], function(stream, t)
            stream:respond()
            stream:write("one")
            t:after(20, function()
                stream:write("two")
                t:after(20, function() stream:finish() end)
            end)
        end),
        client = programs.get,
    }

    scenario{
        "requests of the old priorities",
        client = client_that([[
            t.read(t.request(session, {}, {weight: 16, parent: 0, exclusive: false}, "a"), "a");
            t.read(t.request(session, {}, {weight: 200}, "b"), "b");
            t.read(t.request(session, {}, {parent: 1, exclusive: true}, "c"), "c");
        ]], function(session, t)
            t:read(t:request(session, {}, {weight = 16, parent = 0, exclusive = false}, "a"), "a")
            t:read(t:request(session, {}, {weight = 200}, "b"), "b")
            t:read(t:request(session, {}, {parent = 1, exclusive = true}, "c"), "c")
        end),
        peer = answer_all(3),
        by_object = true,
        differs = {{
            "RFC 9113 5.3.2: they are out of use",
            node = {"HEADERS(3) END_STREAM PRIORITY " .. plain_get,
                "HEADERS(5) END_STREAM PRIORITY " .. plain_get},
            lua = {"HEADERS(3) END_STREAM " .. plain_get, "HEADERS(5) END_STREAM " .. plain_get},
            trace = "frames",
        }},
    }

    for _, name in ipairs{"ALIGNED", "MAX"} do
        scenario{
            "frames are padded by the strategy " .. name,
            server = {
                node = ([[
                    const paddingStrategy = http2.constants.PADDING_STRATEGY_%s;
                    t.serve({paddingStrategy}, (stream, headers, flags) => {
                        stream.respond();
                        stream.write("a".repeat(100));
                        t.after(5, () => stream.end("b"));
                    });
                ]]):format(name),
                lua = function(t, http2)
                    local strategy = http2.constants["PADDING_STRATEGY_" .. name]
                    t:serve({paddingStrategy = strategy}, function(stream)
                        stream:respond()
                        stream:write(("a"):rep(100))
                        t:after(5, function() stream:finish("b") end)
                    end)
                end,
            },
            client = programs.get,
        }
    end

    scenario{
        "a write to a response that ended with its headers is told to the writer alone",
        server = server_that([[
            stream.respond({}, {endStream: true});
            t.log("gave", stream.write("no", error => t.log("callback", error)));
        ]], function(stream, t)
            stream:respond({}, {endStream = true})
            t:log("gave", stream:write("no", function(err) t:log("callback", err) end))
        end),
        client = programs.get,
    }

    for _, status in ipairs{205, 304} do
        scenario{
            ("nothing follows status %d"):format(status),
            server = server_that(([[
                stream.respond({":status": %d, "x-a": "1"});
                t.log("ended", stream.writableEnded);
            ]]):format(status), function(stream, t)
                stream:respond{[":status"] = status, ["x-a"] = "1"}
                t:log("ended", stream.writableEnded)
            end),
            client = programs.get,
        }
    end

    scenario{
        "a session knows the settings of both sides",
        server = {
            node = [[ t.serve({settings: {maxConcurrentStreams: 50}}, stream =>
                stream.respond({}, {endStream: true})); ]],
            lua = function(t)
                t:serve({settings = {maxConcurrentStreams = 50}}, function(stream)
                    stream:respond({}, {endStream = true})
                end)
            end,
        },
        client = client_that([[
            session.once("remoteSettings", settings => {
                t.log("remote", settings);
                t.log("local", session.localSettings);
                t.after(10, () => session.close());
            });
        ]], function(session, t)
            session:once("remoteSettings", function(settings)
                t:log("remote", settings)
                t:log("local", session.localSettings)
                t:after(10, function() session:close() end)
            end)
        end),
    }

    scenario{
        "events carry the raw list of what came",
        server = {
            node = [[ t.serve({}, stream => {
                stream.additionalHeaders({":status": 103, "X-A": "1"});
                stream.respond({"X-B": ["2", "3"]}, {sendDate: false, waitForTrailers: true});
                stream.on("wantTrailers", () => stream.sendTrailers({"X-C": "4"}));
                stream.end();
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:additionalHeaders{[":status"] = 103, ["X-A"] = "1"}
                    stream:respond({["X-B"] = {"2", "3"}},
                        {sendDate = false, waitForTrailers = true})
                    stream:on("wantTrailers", function() stream:sendTrailers{["X-C"] = "4"} end)
                    stream:finish()
                end)
            end,
        },
        client = client_that([[
            const request = session.request();
            for (const event of ["headers", "response", "trailers"])
                request.on(event, (headers, flags, raw) => t.log(event, raw));
            request.resume().on("close", () => session.close());
        ]], function(session, t)
            local request = session:request()
            for _, event in ipairs{"headers", "response", "trailers"} do
                request:on(event, function(_, _, raw) t:log(event, raw) end)
            end
            request:resume():on("close", function() session:close() end)
        end),
        by_object = true,
    }

    scenario{
        "a server's events come from the session down to the stream",
        server = {
            node = [[
                const server = http2.createServer();
                server.on("session", session => {
                    t.log("server session");
                    session.on("stream", stream => t.log("session stream", stream.id));
                });
                server.on("stream", stream => t.log("server stream", stream.id));
                server.on("request", (request, response) => {
                    t.log("server request", request.url);
                    response.end();
                });
                t.listen(server);
            ]],
            lua = function(t, http2)
                local server = http2.createServer()
                server:on("session", function(session)
                    t:log("server session")
                    session:on("stream", function(stream) t:log("session stream", stream.id) end)
                end)
                server:on("stream", function(stream) t:log("server stream", stream.id) end)
                server:on("request", function(request, response)
                    t:log("server request", request.url)
                    response:finish()
                end)
                t:listen(server)
            end,
        },
        client = programs.get,
        differs = {{
            "behaviour.md 3: the session is the first to tell",
            node = {"server stream 1", "server request /", "session stream 1"},
            lua = {"session stream 1", "server stream 1", "server request /"}, trace = "server",
        }},
    }
end)
