-- behaviour.md 1, 8 and 9: SETTINGS, PING and timeouts.
local http2 = require("http2")
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

-- A client that does something when it is connected.
local function client_that(options, node, lua)
    return {
        node = ([[
            const session = t.connect(%s);
            session.on("connect", () => { %s });
        ]]):format(options.node or "{}", node),
        lua = function(t)
            local session = t:connect(options.lua)
            session:on("connect", function() lua(session, t) end)
        end,
    }
end

-- Answers for a moment, then parts.
local function quiet(peer)
    peer:await_pong()
    peer:send(frames.goaway(0, 0))
    peer:await_end()
    peer:close()
end

differential.describe("SETTINGS", function(scenario)
    scenario{
        "of a client that has none to tell",
        client = client_that({}, "", function() end),
        peer = quiet, shows = {"SETTINGS"},
    }

    scenario{
        "of a client, in the order of their identifiers",
        client = client_that({
            node = [[{settings: {
                customSettings: {5000: 7, 1244: 3}, enableConnectProtocol: true,
                maxHeaderListSize: 1000, maxFrameSize: 20000, initialWindowSize: 70000,
                maxConcurrentStreams: 5, enablePush: false, headerTableSize: 100,
            }}]],
            lua = {settings = {
                customSettings = {[5000] = 7, [1244] = 3}, enableConnectProtocol = true,
                maxHeaderListSize = 1000, maxFrameSize = 20000, initialWindowSize = 70000,
                maxConcurrentStreams = 5, enablePush = false, headerTableSize = 100,
            }},
        }, "", function() end),
        peer = quiet, shows = {"SETTINGS"},
    }

    scenario{
        "that the program changes",
        client = client_that({}, [[
            session.on("localSettings", settings => t.log("local", settings.initialWindowSize));
            session.settings({initialWindowSize: 100000, enablePush: false},
                (error, settings) => {
                    t.log("called", error, settings.initialWindowSize, settings.enablePush);
                    t.log("pending", session.pendingSettingsAck);
                });
            t.log("pending", session.pendingSettingsAck, session.localSettings.initialWindowSize);
        ]], function(session, t)
            session:on("localSettings", function(settings)
                t:log("local", settings.initialWindowSize)
            end)
            session:settings({initialWindowSize = 100000, enablePush = false},
                function(err, settings)
                    t:log("called", err, settings.initialWindowSize, settings.enablePush)
                    t:log("pending", session.pendingSettingsAck)
                end)
            t:log("pending", session.pendingSettingsAck, session.localSettings.initialWindowSize)
        end),
        peer = function(peer)
            peer:await("the new settings", function(frame)
                return frame.settings and frame.settings[frames.INITIAL_WINDOW_SIZE]
            end)
            quiet(peer)
        end,
        shows = {"SETTINGS"},
    }

    scenario{
        "that the peer changes",
        client = client_that({node = "{remoteCustomSettings: [1244]}",
            lua = {remoteCustomSettings = {1244}}}, [[
            session.on("remoteSettings", settings => t.log("remote", settings));
            t.log("before", session.remoteSettings.maxConcurrentStreams);
        ]], function(session, t)
            session:on("remoteSettings", function(settings) t:log("remote", settings) end)
            t:log("before", session.remoteSettings.maxConcurrentStreams)
        end),
        silent = true,
        peer = function(peer)
            peer:read_preface()
            differential.pause(0.05)
            peer:send(frames.settings{{frames.MAX_CONCURRENT_STREAMS, 7}, {1244, 9}, {1245, 1}})
            peer:send(frames.settings_ack())
            quiet(peer)
        end,
    }

    scenario{
        "that are never acknowledged",
        client = client_that({node = "{maxOutstandingSettings: 2}",
            lua = {maxOutstandingSettings = 2}}, [[
            for (const n of [1, 2, 3])
                t.attempt("call " + n,
                    () => session.settings({}, error => t.log("settings", n, error)));
        ]], function(session, t)
            for n = 1, 3 do
                t:attempt("call " .. n, function()
                    return session:settings({}, function(err) t:log("settings", n, err) end)
                end)
            end
        end),
        peer = function(peer)
            peer.acknowledges = false
            peer:await_end()
            peer:close()
        end,
    }

    scenario{
        "of a window that grows and shrinks",
        client = client_that({}, [[
            session.setLocalWindowSize(2 ** 20);
            t.log("size", session.state.effectiveLocalWindowSize, session.state.localWindowSize);
            session.setLocalWindowSize(2 ** 18);
            t.log("size", session.state.effectiveLocalWindowSize);
        ]], function(session, t)
            session:setLocalWindowSize(2 ^ 20)
            t:log("size", session.state.effectiveLocalWindowSize, session.state.localWindowSize)
            session:setLocalWindowSize(2 ^ 18)
            t:log("size", session.state.effectiveLocalWindowSize)
        end),
        peer = quiet, shows = {"WINDOW_UPDATE"},
    }
end)

-- In Node this comes before request() returns, so that nobody can hear of it.
local is_ready = {
    "a request on a session that is connected gets \"ready\" too",
    node = {"session connect"}, lua = {"session connect", "request ready"},
}

differential.describe("PING", function(scenario)
    scenario{
        "with its own and with another payload",
        client = client_that({}, [[
            t.log("gave", session.ping(Buffer.from("12345678"),
                (error, duration, payload) => t.log("first", error, typeof duration, payload)));
            t.log("gave", session.ping((error, duration, payload) =>
                t.log("second", error, payload.length)));
        ]], function(session, t)
            t:log("gave", session:ping("12345678", function(err, duration, payload)
                t:log("first", err, type(duration), payload)
            end))
            t:log("gave", session:ping(function(err, _, payload)
                t:log("second", err, #payload)
            end))
        end),
        peer = function(peer)
            for _ = 1, 2 do
                peer:send(frames.ping(peer:await_frame(frames.PING).payload, frames.ACK))
            end
            quiet(peer)
        end,
        shows = {"PING"},
    }

    scenario{
        "that comes is told and answered",
        client = client_that({}, [[
            session.on("ping", payload => t.log("ping", payload));
        ]], function(session, t)
            session:on("ping", function(payload) t:log("ping", payload) end)
        end),
        peer = quiet, shows = {"PING"},
    }

    scenario{
        "above the limit, and at the end of the session",
        client = client_that({node = "{maxOutstandingPings: 2}", lua = {maxOutstandingPings = 2}},
            [[
            for (const n of [1, 2, 3])
                t.log("gave", session.ping((error, duration) =>
                    t.log("ping", n, error)));
            t.after(20, () => session.destroy());
        ]], function(session, t)
            for n = 1, 3 do
                t:log("gave", session:ping(function(err) t:log("ping", n, err) end))
            end
            t:after(20, function() session:destroy() end)
        end),
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
        shows = {"PING"},
    }

    scenario{
        "after close()",
        client = client_that({}, [[
            t.request(session, {":method": "POST"});
            t.after(20, () => {
                session.close();
                t.log("gave", session.ping(error => t.log("ping", error)));
                t.after(20, () => session.destroy());
            });
        ]], function(session, t)
            t:request(session, {[":method"] = "POST"})
            t:after(20, function()
                session:close()
                t:log("gave", (session:ping(function(err) t:log("ping", err) end)))
                t:after(20, function() session:destroy() end)
            end)
        end),
        differs = {{
            "a request on a session that is connected gets \"ready\" too",
            node = {"request aborted"}, lua = {"request ready", "request aborted"},
        }},
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
        by_object = true,
    }
end)

differential.describe("a timeout", function(scenario)
    scenario{
        "of a session, when nothing goes to and fro any more",
        client = client_that({}, [[
            t.after(10, () => t.log("same", session === session.setTimeout(50, () => {
                t.log("timeout");
                t.later(90, () => {
                    t.log("state", session.closed, session.destroyed);
                    session.close();
                });
            })));
        ]], function(session, t)
            t:after(10, function()
                t:log("same", session == session:setTimeout(50, function()
                    t:log("timeout")
                    t:later(90, function()
                        t:log("state", session.closed, session.destroyed)
                        session:close()
                    end)
                end))
            end)
        end),
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
    }

    scenario{
        "that is taken back",
        client = client_that({}, [[
            t.after(10, () => {
                session.setTimeout(30, () => t.log("timeout"));
                session.setTimeout(0);
                t.later(80, () => session.close());
            });
        ]], function(session, t)
            t:after(10, function()
                session:setTimeout(30, function() t:log("timeout") end)
                session:setTimeout(0)
                t:later(80, function() session:close() end)
            end)
        end),
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
    }

    scenario{
        "of a stream",
        client = client_that({}, [[
            const request = t.request(session);
            request.setTimeout(50, () => {
                t.log("timeout", request.closed);
                request.close(8);
            });
            t.closeAfter(request, session);
        ]], function(session, t)
            local request = t:request(session)
            request:setTimeout(50, function()
                t:log("timeout", request.closed)
                request:close(8)
            end)
            t:close_after(request, session)
        end),
        differs = {is_ready},
        peer = function(peer)
            peer:await_end()
            peer:close()
        end,
    }

    for _, case in ipairs{
        {"of a server's session that nobody listens for", "", function() end},
        {"of a server's session", [[
            server.on("timeout", session => { t.log("server timeout", session); session.close(); });
        ]], function(server, t)
            server:on("timeout", function(session)
                t:log("server timeout", session)
                session:close()
            end)
        end},
    } do
        scenario{
            case[1],
            server = {
                node = ([[
                    const server = t.serve();
                    t.log("same", server.setTimeout(60) === server, server.timeout);
                    server.on("session", session => t.watch(session, "session", {timeout: 0}));
                    %s
                ]]):format(case[2]),
                lua = function(t)
                    local server = t:serve()
                    t:log("same", server:setTimeout(60) == server, server.timeout)
                    server:on("session", function(session)
                        t:watch(session, "session", {timeout = 0})
                    end)
                    case[3](server, t)
                end,
            },
            peer = function(peer)
                peer:await_end()
                peer:close()
            end,
            pending = not http2.createServer().setTimeout and "no server:setTimeout yet" or nil,
        }
    end
end)

differential.describe("the settings of a server", function(scenario)
    scenario{
        "that it is given",
        server = {
            node = [[ t.serve({settings: {initialWindowSize: 70000, maxConcurrentStreams: 9}}); ]],
            lua = function(t)
                t:serve{settings = {initialWindowSize = 70000, maxConcurrentStreams = 9}}
            end,
        },
        peer = quiet, shows = {"SETTINGS"},
        differs = {{
            "it tells that it ignores the old priorities (RFC 9218 2.1)",
            node = {"SETTINGS(0) [3=9 4=70000]"}, lua = {"SETTINGS(0) [3=9 4=70000 9=1]"},
            trace = "frames",
        }},
    }

    scenario{
        "that it has by itself",
        server = programs.silent_server,
        peer = quiet, shows = {"SETTINGS"},
        differs = {{
            "ATTACKS.md: streams at once are bounded; RFC 9218 2.1: no old priorities",
            node = {"SETTINGS(0) []"}, lua = {"SETTINGS(0) [3=100 9=1]"}, trace = "frames",
        }},
    }

    scenario{
        "that it changes",
        server = {
            node = [[
                const server = t.serve({}, () => {});
                server.updateSettings({maxFrameSize: 20000});
            ]],
            lua = function(t)
                local server = t:serve({}, function() end)
                server:updateSettings{maxFrameSize = 20000}
            end,
        },
        peer = quiet, shows = {"SETTINGS"},
        differs = {{
            "ATTACKS.md: streams at once are bounded; RFC 9218 2.1: no old priorities",
            node = {"SETTINGS(0) [5=20000]"}, lua = {"SETTINGS(0) [3=100 5=20000 9=1]"},
            trace = "frames",
        }},
    }

    scenario{
        "that offer to be pushed to",
        server = {
            node = [[ t.serve({settings: {enablePush: true}}); ]],
            lua = function(t) t:serve{settings = {enablePush = true}} end,
        },
        peer = quiet, shows = {"SETTINGS"},
        differs = {{
            "PORT: clients end the connection for what Node sends here",
            node = {"SETTINGS(0) [2=1]"}, lua = {"SETTINGS(0) [3=100 9=1]"}, trace = "frames",
        }},
    }
end)

differential.describe("flow control", function(scenario)
    scenario{
        "of a stream that is not read, beside one that is",
        client = {
            node = [[
                const session = t.connect();
                const slow = t.request(session, {}, {}, "slow");
                slow.on("response", () => slow.pause());
                t.read(t.request(session, {}, {}, "quick"), "quick");
                t.after(150, () => t.read(slow, "slow").resume());
            ]],
            lua = function(t)
                local session = t:connect()
                local slow = t:request(session, {}, {}, "slow")
                slow:on("response", function() slow:pause() end)
                t:read(t:request(session, {}, {}, "quick"), "quick")
                t:after(150, function() t:read(slow, "slow"):resume() end)
            end,
        },
        peer = function(peer)
            peer:await_frame(frames.HEADERS, 3)
            peer:send(frames.response(1, 200), frames.response(3, 200))
            peer:send(frames.data(1, ("x"):rep(16383)):rep(2))
            peer:send(frames.data(3, ("x"):rep(16383)):rep(2), frames.data(3, "", 1))
            peer:await_frame(frames.WINDOW_UPDATE, 0)
            differential.pause(0.05)
            peer:send(frames.data(1, "", frames.END_STREAM))
            differential.pause(0.15)
            peer:send(frames.goaway(3, 0))
            peer:await_end()
            peer:close()
        end,
        by_object = true,
    }

    scenario{
        "of writes that wait",
        is_measured = true,
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond();
                t.log("gave", stream.write(Buffer.alloc(16383)), stream.writableLength);
                t.log("gave", stream.write(Buffer.alloc(60000)), stream.writableNeedDrain);
                stream.on("drain", () => {
                    t.log("drain", stream.writableLength, stream.bufferSize);
                    stream.end();
                });
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond()
                    t:log("gave", stream:write(("\0"):rep(16383)), stream.writableLength)
                    t:log("gave", stream:write(("\0"):rep(60000)), stream.writableNeedDrain)
                    stream:on("drain", function()
                        t:log("drain", stream.writableLength, stream.bufferSize)
                        stream:finish()
                    end)
                end)
            end,
        },
        client = programs.get,
        differs = {{
            "frames are filled, whatever the writes were",
            node = {"DATA(1) 16383", "DATA(1) 16384", "DATA(1) 16384", "DATA(1) 16384"},
            lua = {"DATA(1) 16384", "DATA(1) 16384", "DATA(1) 16384", "DATA(1) 16383"},
            trace = "server frames",
        }},
    }
end)
