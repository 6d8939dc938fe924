-- behaviour.md 15, 18 and 19: what sessions and streams tell of themselves; ALTSVC and ORIGIN.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

differential.describe("the members", function(scenario)
    scenario{
        "of a stream that has arrived",
        server = {
            node = [[ t.serve({}, stream => {
                t.log("names", stream.id, stream.pending, stream.rstCode, stream.aborted,
                    stream.closed, stream.destroyed, stream.endAfterHeaders, stream.headRequest,
                    stream.headersSent, stream.pushAllowed, stream.bufferSize);
                t.log("sides", stream.readable, stream.writable, stream.readableEnded,
                    stream.writableEnded, stream.readableFlowing, stream.readableLength,
                    stream.readableHighWaterMark, stream.writableHighWaterMark);
                t.log("sent", stream.sentHeaders, stream.sentInfoHeaders, stream.sentTrailers);
                stream.respond({"X-Case": "1"}, {endStream: true});
                t.log("sent", stream.sentHeaders);
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    t:log("names", stream.id, stream.pending, stream.rstCode, stream.aborted,
                        stream.closed, stream.destroyed, stream.endAfterHeaders,
                        stream.headRequest, stream.headersSent, stream.pushAllowed,
                        stream.bufferSize)
                    t:log("sides", stream.readable, stream.writable, stream.readableEnded,
                        stream.writableEnded, stream.readableFlowing, stream.readableLength,
                        stream.readableHighWaterMark, stream.writableHighWaterMark)
                    t:log("sent", stream.sentHeaders, stream.sentInfoHeaders, stream.sentTrailers)
                    stream:respond({["X-Case"] = "1"}, {endStream = true})
                    t:log("sent", stream.sentHeaders)
                end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "of a request, before and after it is sent",
        server = programs.hello,
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session, {"X-Case": "1"});
                const tell = name => t.log(name, request.id, request.pending, request.closed,
                    request.destroyed, request.headersSent, request.writableEnded, request.state);
                tell("new");
                t.log("sent", request.sentHeaders);
                request.on("ready", () => t.log("id", request.id, request.pending));
                t.closeAfter(t.read(request, "request"), session);
                request.on("close", () => tell("old"));
                request.on("close", () => t.log("session", request.session));
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session, {["X-Case"] = "1"})
                local function tell(name)
                    t:log(name, request.id, request.pending, request.closed, request.destroyed,
                        request.headersSent, request.writableEnded, request.state)
                end
                tell("new")
                t:log("sent", request.sentHeaders)
                request:on("ready", function() t:log("id", request.id, request.pending) end)
                t:close_after(t:read(request, "request"), session)
                request:on("close", function() tell("old") end)
                request:on("close", function() t:log("session", request.session) end)
            end,
        },
    }

    scenario{
        "of a session, connected and closed",
        server = programs.hello,
        client = {
            node = [[
                const session = t.connect();
                const tell = name => t.log(name, session.closed, session.destroyed,
                    session.connecting, session.encrypted, session.alpnProtocol, session.type,
                    session.originSet, session.goawayCode, session.goawayLastStreamID,
                    session.socket === undefined);
                tell("new");
                session.on("connect", () => {
                    tell("connected");
                });
                const request = t.read(t.request(session), "request");
                request.on("close", () => {
                    t.after(10, () => t.log("state", session.state.nextStreamID,
                        session.state.lastProcStreamID, session.state.remoteWindowSize,
                        session.state.outboundQueueSize));
                });
                session.on("close", () => tell("closed"));
                t.closeAfter(request, session);
            ]],
            lua = function(t)
                local session = t:connect()
                local function tell(name)
                    t:log(name, session.closed, session.destroyed, session.connecting,
                        session.encrypted, session.alpnProtocol, session.type, session.originSet,
                        session.goawayCode, session.goawayLastStreamID, session.socket == nil)
                end
                tell("new")
                session:on("connect", function()
                    tell("connected")
                end)
                local request = t:read(t:request(session), "request")
                request:on("close", function()
                    t:after(10, function()
                        t:log("state", session.state.nextStreamID, session.state.lastProcStreamID,
                            session.state.remoteWindowSize, session.state.outboundQueueSize)
                    end)
                end)
                session:on("close", function() tell("closed") end)
                t:close_after(request, session)
            end,
        },
        by_object = true,
    }

    scenario{
        "of the socket of a session",
        server = programs.hello,
        client = {
            node = [[
                const session = t.connect();
                session.on("connect", () => {
                    const socket = session.socket;
                    t.log("same", socket === session.socket, socket.remoteAddress);
                    for (const name of ["destroy", "emit", "end", "pause", "read", "resume",
                        "write", "setEncoding", "setKeepAlive", "setNoDelay"])
                        t.attempt(name, () => { socket[name]; });
                    t.attempt("set", () => { socket.write = 1; });
                    session.close();
                    session.on("close", () => t.attempt("late", () => socket.remotePort));
                });
            ]],
            lua = function(t)
                local session = t:connect()
                session:on("connect", function()
                    local socket = session.socket
                    t:log("same", socket == session.socket, socket.remoteAddress)
                    for _, name in ipairs{"destroy", "emit", "end", "pause", "read", "resume",
                        "write", "setEncoding", "setKeepAlive", "setNoDelay"} do
                        t:attempt(name, function() return socket[name] and nil end)
                    end
                    t:attempt("set", function() socket.write = 1 end)
                    session:close()
                    session:on("close", function()
                        t:attempt("late", function() return socket.remotePort end)
                    end)
                end)
            end,
        },
        by_object = true,
    }

    scenario{
        "that tell of the old priorities",
        server = {
            node = [[
                const server = t.serve({}, stream => t.watch(stream, "stream", {priority: 4}));
                t.watch(server, "server", {priority: 4});
                server.on("session", session => t.watch(session, "session", {priority: 4}));
            ]],
            lua = function(t)
                local server = t:serve({}, function(stream)
                    t:watch(stream, "stream", {priority = 4})
                end)
                t:watch(server, "server", {priority = 4})
                server:on("session", function(session)
                    t:watch(session, "session", {priority = 4})
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.priority(5, 0), frames.post(1))
            differential.pause(0.01)
            peer:send(frames.priority(1, 0, 31))
            peer:await_pong()
            peer:send(frames.rst_stream(1, 8), frames.goaway(0, 0))
            peer:await_end()
            peer:close()
        end,
        by_object = true,
    }
end)

local function altsvc(id, origin, value)
    return frames.frame(frames.ALTSVC, 0, id, string.pack(">s2", origin) .. value)
end

differential.describe("ALTSVC", function(scenario)
    scenario{
        "that a server sends",
        server = {
            node = [[ t.serve({}, stream => {
                const session = stream.session;
                session.altsvc('h2=":8000"', stream.id);
                session.altsvc('h2=":8000"', "https://example.org:8080/path");
                session.altsvc('h2=":8000"', {origin: "https://example.org"});
                session.altsvc('h2=":8000"', 99);
                stream.respond({}, {endStream: true});
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    local session = stream.session
                    session:altsvc('h2=":8000"', stream.id)
                    session:altsvc('h2=":8000"', "https://example.org:8080/path")
                    session:altsvc('h2=":8000"', {origin = "https://example.org"})
                    session:altsvc('h2=":8000"', 99)
                    stream:respond({}, {endStream = true})
                end)
            end,
        },
        peer = function(peer)
            peer:send(frames.get(1))
            peer:await_answer(1)
            peer:send(frames.goaway(0, 0))
            peer:await_end()
            peer:close()
        end,
        by_object = true,
    }

    scenario{
        "and ORIGIN that a client gets",
        client = {
            node = [[
                const session = t.connect();
                t.watch(session, "session", {altsvc: 3, origin: 1});
                t.request(session);
            ]],
            lua = function(t)
                local session = t:connect()
                t:watch(session, "session", {altsvc = 3, origin = 1})
                t:request(session)
            end,
        },
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 1)
            peer:send(altsvc(1, "", 'h2=":1"'), altsvc(0, "https://a.example", 'h2=":2"'),
                frames.frame(frames.ORIGIN, 0, 0, string.pack(">s2", "https://b.example")))
            peer:await_pong()
            peer:send(frames.goaway(0, 0))
            peer:await_end()
            peer:close()
        end,
        by_object = true,
    }
end)
