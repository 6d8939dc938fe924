-- behaviour.md 13 and 14: trailers, push, CONNECT, the identifiers of streams.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

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
        server = programs.echo_server,
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
        peer = programs.answer,
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
