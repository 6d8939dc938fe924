-- behaviour.md 5, 14, 18 and 19: other ways into a session and out of it, and what it has cost.
local net = require("http2.net")
local perf_hooks = require("http2.perf_hooks")
local timers = require("http2.timers")
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

local function end_with(peer)
    peer:await_end()
    peer:close()
end

differential.describe("a session", function(scenario)
    scenario{
        "whose streams hear of destroy(error) before it does",
        client = {
            node = [[
                const session = t.connect();
                t.request(session, {":method": "POST"});
                t.after(20, () => session.destroy(new Error("mine")));
            ]],
            lua = function(t)
                local session = t:connect()
                t:request(session, {[":method"] = "POST"})
                t:after(20, function() session:destroy("mine") end)
            end,
        },
        peer = end_with,
    }

    scenario{
        "that keeps the last GOAWAY",
        client = {
            node = [[
                const session = t.connect();
                t.request(session);
                session.on("close", () =>
                    t.log("kept", session.goawayCode, session.goawayLastStreamID));
            ]],
            lua = function(t)
                local session = t:connect()
                t:request(session)
                session:on("close", function()
                    t:log("kept", session.goawayCode, session.goawayLastStreamID)
                end)
            end,
        },
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 1)
            peer:send(frames.goaway(5, 3))
            end_with(peer)
        end,
        by_object = true,
    }

    scenario{
        "of a server, whose members are called after destroy()",
        server = {
            node = [[ t.serve({}, stream => {
                const session = stream.session;
                session.destroy();
                for (const call of [() => session.altsvc("h2=':1'", 1),
                    () => session.origin("https://a.example"), () => session.goaway(),
                    () => session.settings({}), () => session.ping(() => {}),
                    () => session.setLocalWindowSize(70000)])
                    t.attempt("call", () => { call(); });
                t.attempt("push", () => { stream.pushStream({}, () => {}); });
                t.attempt("respond", () => { stream.respond(); });
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    local session = stream.session
                    session:destroy()
                    for _, call in ipairs{
                        function() session:altsvc("h2=':1'", 1) end,
                        function() session:origin("https://a.example") end,
                        function() session:goaway() end, function() session:settings{} end,
                        function() session:ping(function() end) end,
                        function() session:setLocalWindowSize(70000) end,
                    } do
                        t:attempt("call", call)
                    end
                    t:attempt("push", function() stream:pushStream({}, function() end) end)
                    t:attempt("respond", function() stream:respond() end)
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1))
            end_with(peer)
        end,
        by_object = true,
    }

    scenario{
        "over a connection that the program has made",
        client = {
            node = [[
                const net = require("net");
                const session = t.connect({createConnection: (url, options) => {
                    t.log("asked for", url.protocol, typeof options);
                    return net.connect(t.port, "127.0.0.1");
                }});
                t.read(t.request(session), "request");
            ]],
            lua = function(t)
                local session = t:connect{createConnection = function(url, options)
                    t:log("asked for", url.protocol, type(options) == "table" and "object")
                    return net.connect(t.port, "127.0.0.1")
                end}
                t:read(t:request(session), "request")
            end,
        },
        peer = programs.answer,
    }

    for _, case in ipairs{{"", ""}, {" for a reason", 'new Error("mine")', "mine"}} do
        scenario{
            "over a connection that the program gives up" .. case[1],
            client = {
                node = ([[
                    const net = require("net");
                    const session = t.connect({createConnection: () => {
                        const socket = net.connect(t.port, "127.0.0.1");
                        process.nextTick(() => socket.destroy(%s));
                        return socket;
                    }});
                    t.request(session);
                ]]):format(case[2]),
                lua = function(t)
                    local session = t:connect{createConnection = function()
                        local socket = net.connect(t.port, "127.0.0.1")
                        timers.setImmediate(function() socket:destroy(case[3]) end)
                        return socket
                    end}
                    t:request(session)
                end,
            },
            peer = "nobody",
        }

        scenario{
            "over a connection that the program cuts off" .. case[1],
            client = {
                node = ([[
                    const net = require("net");
                    const socket = net.connect(t.port, "127.0.0.1");
                    t.request(t.connect({createConnection: () => socket}));
                    t.after(10, () => socket.destroy(%s));
                ]]):format(case[2]),
                lua = function(t)
                    local socket = net.connect(t.port, "127.0.0.1")
                    t:request(t:connect{createConnection = function() return socket end})
                    t:after(10, function() socket:destroy(case[3]) end)
                end,
            },
            peer = end_with,
        }
    end

    scenario{
        "over connections that the program brings",
        server = {
            node = [[
                const net = require("net"), server = http2.createServer();
                server.on("stream", stream => stream.end("hello"));
                server.on("session", session => t.session(session));
                const listener = net.createServer(socket => {
                    server.emit("connection", socket);
                    t.attempt("again", () => { server.emit("connection", socket); });
                    listener.close();
                });
                listener.listen(0, "127.0.0.1",
                    () => t.listening(listener.address().port));
            ]],
            lua = function(t, http2)
                local server = http2.createServer()
                server:on("stream", function(stream) stream:finish("hello") end)
                server:on("session", function(session) t:session(session) end)
                local listener
                listener = net.createServer(function(socket)
                    server:emit("connection", socket)
                    t:attempt("again", function() server:emit("connection", socket) end)
                    listener:close()
                end)
                listener:listen(0, "127.0.0.1", function()
                    t.port = listener:address().port
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_answer(1)
            programs.part(peer)
        end,
        by_object = true,
    }

    scenario{
        "of a server that closes: it goes on, and may open streams still",
        server = {
            node = [[
                const server = t.serve({}, stream => {
                    stream.end("hello");
                    if (stream.id === 1)
                        server.close(error => t.log("closed", error));
                });
            ]],
            lua = function(t)
                local server
                server = t:serve({}, function(stream)
                    stream:finish("hello")
                    if stream.id == 1 then
                        server:close(function(err) t:log("closed", err) end)
                    end
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_answer(1)
            differential.pause(0.01)
            peer:send(frames.get(3))
            peer:await_answer(3)
            differential.pause(0.01)
            programs.part(peer)
        end,
        by_object = true,
    }

    scenario{
        "whose client does not listen for pushes",
        client = {
            node = "t.read(t.request(t.connect()), 'request');",
            lua = function(t) t:read(t:request(t:connect()), "request") end,
        },
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 1)
            peer:send(frames.push_promise(1, 2, frames.request_fields("GET", "/2")),
                frames.response(2, 200), frames.data(2, "unwanted"))
            peer:send(frames.response(1, 200, {}, frames.END_HEADERS | frames.END_STREAM))
            differential.pause(0.02)
        end,
        by_object = true, lasts = 0.02,
        differs = {{
            "what nobody can read is refused",
            node = {"HEADERS(1) END_STREAM {:authority: 127.0.0.1:PORT, :method: GET, :path: /, "
                .. ":scheme: http}"},
            lua = {"HEADERS(1) END_STREAM {:authority: 127.0.0.1:PORT, :method: GET, :path: /, "
                .. ":scheme: http}", "RST_STREAM(2) CANCEL"},
            trace = "frames",
        }},
    }

    scenario{
        "whose handler fails",
        server = {
            node = 't.serve({}, stream => stream.respond("wrong"));',
            lua = function(t)
                t:serve({}, function(stream) stream:respond("wrong") end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_pong()
            differential.pause(0.02)
        end,
        by_object = true, lasts = 0.02,
        differs = {{
            "LUA-API.md: an error in a handler ends its own stream, and the server is told",
            node = {"session connect", "uncaught TypeError ERR_INVALID_ARG_TYPE"},
            lua = {"server handlerError TypeError ERR_INVALID_ARG_TYPE", "session connect",
                "stream 1 aborted", "stream 1 close 2 aborted"},
        }, {
            "and the peer",
            node = {"PING(0) ACK"}, lua = {"RST_STREAM(1) INTERNAL_ERROR", "PING(0) ACK"},
            trace = "frames",
        }},
    }

    scenario{
        "whose stream fails without a listener",
        server = {
            node = [[
                const server = http2.createServer().on("stream",
                    stream => stream.destroy(new Error("mine")));
                t.listen(server);
            ]],
            lua = function(t, http2)
                t:listen(http2.createServer():on("stream", function(stream)
                    stream:destroy("mine")
                end))
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_frame(frames.RST_STREAM, 1)
            programs.part(peer)
        end,
        by_object = true,
        differs = {{
            "LUA-API.md: it is the server's to hear of",
            node = {"session close", 'uncaught "mine"'},
            lua = {'server handlerError "mine"', "session close"},
        }},
    }

    scenario{
        "that has been measured",
        client = {
            node = [[
                const observer = new (require("perf_hooks").PerformanceObserver)(list => {
                    for (const entry of list.getEntries()) {
                        const figures = entry.detail;
                        if (entry.name === "Http2Stream")
                            t.log(entry.name, entry.entryType, figures.id, figures.bytesRead,
                                figures.bytesWritten, figures.timeToFirstByte > 0);
                        else
                            t.log(entry.name, entry.entryType, figures.type, figures.streamCount,
                                figures.maxConcurrentStreams);
                    }
                    if (list.getEntriesByName("Http2Session").length > 0)
                        observer.disconnect();
                });
                observer.observe({entryTypes: ["http2"]});
                const session = t.connect();
                t.read(t.request(session), "request");
                const post = t.read(t.request(session, {":method": "POST"}, {}, "post"), "post");
                post.end("12345");
            ]],
            lua = function(t)
                local observer
                observer = perf_hooks.PerformanceObserver(function(list)
                    for _, entry in ipairs(list:getEntries()) do
                        local figures = entry.detail
                        if entry.name == "Http2Stream" then
                            t:log(entry.name, entry.entryType, figures.id, figures.bytesRead,
                                figures.bytesWritten, figures.timeToFirstByte > 0)
                        else
                            t:log(entry.name, entry.entryType, figures.type, figures.streamCount,
                                figures.maxConcurrentStreams)
                        end
                    end
                    if #list:getEntriesByName("Http2Session") > 0 then
                        observer:disconnect()
                    end
                end)
                observer:observe{entryTypes = {"http2"}}
                local session = t:connect()
                t:read(t:request(session), "request")
                local post = t:read(t:request(session, {[":method"] = "POST"}, {}, "post"), "post")
                post:finish("12345")
            end,
        },
        peer = function(peer)
            peer:await_frame(frames.DATA, 3)
            peer:send(frames.response(1, 200), frames.data(1, "first", frames.END_STREAM))
            differential.pause(0.01)
            peer:send(frames.response(3, 200), frames.data(3, "second", frames.END_STREAM))
            differential.pause(0.01)
            peer:send(frames.goaway(3, 0))
            end_with(peer)
        end,
        by_object = true,
    }
end)

differential.describe("createServer()", function(scenario)
    scenario{
        "with settings that are none",
        client = {
            node = [[
                t.attempt("server", () => {
                    http2.createServer({settings: {maxFrameSize: 1}}); });
                t.connect().on("connect", () => {});
            ]],
            lua = function(t, http2)
                t:attempt("server", function()
                    http2.createServer{settings = {maxFrameSize = 1}}
                end)
                t:connect():on("connect", function() end)
            end,
        },
        peer = programs.part,
        differs = {{
            "PORT: settings are checked where they are given",
            node = {"server gave nil"},
            lua = {"server threw RangeError ERR_HTTP2_INVALID_SETTING_VALUE"},
        }},
    }

    scenario{
        "and connect() with settings that are none",
        client = {
            node = [[
                t.attempt("connect", () => {
                    http2.connect("http://127.0.0.1:1", {settings: {maxFrameSize: 1}})
                        .on("error", () => {});
                });
                t.connect().on("connect", () => {});
            ]],
            lua = function(t, http2)
                t:attempt("connect", function()
                    http2.connect("http://127.0.0.1:1", {settings = {maxFrameSize = 1}})
                end)
                t:connect():on("connect", function() end)
            end,
        },
        peer = programs.part,
        differs = {{
            "settings are checked where they are given",
            node = {"connect gave nil"},
            lua = {"connect threw RangeError ERR_HTTP2_INVALID_SETTING_VALUE"},
        }},
    }
end)
