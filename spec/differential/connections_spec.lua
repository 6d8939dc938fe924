-- behaviour.md 6: connections that cannot be made, and connections that are lost.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local process = require("spec.support.process")
local programs = require("spec.support.programs")

-- A client whose session goes to the port, with a request, a ping and settings that wait for it.
local function waiting_client(port, node, lua)
    return {
        node = ([[
            t.port = %s || t.port;
            const session = t.connect();
            const request = t.request(session);
            request.on("close", () => t.log("id", request.id));
            session.ping((error, duration) => t.log("ping", error));
            session.settings({}, error => t.log("settings", error));
            t.log("state", session.connecting, session.encrypted, session.alpnProtocol,
                session.state, session.remoteSettings);
            %s
        ]]):format(port, node),
        lua = function(t)
            t.port = tonumber(port) or t.port
            local session = t:connect()
            local request = t:request(session)
            request:on("close", function() t:log("id", request.id) end)
            session:ping(function(err) t:log("ping", err) end)
            session:settings({}, function(err) t:log("settings", err) end)
            t:log("state", session.connecting, session.encrypted, session.alpnProtocol,
                session.state, session.remoteSettings)
            lua(session, request)
        end,
    }
end

local function nothing() end

differential.describe("a connection", function(scenario)
    scenario{
        "that is refused",
        client = waiting_client(process.refusing_port(), "", nothing),
        peer = "nobody",
    }

    for _, case in ipairs{
        {"destroy()", "session.destroy()", function(session) session:destroy() end},
        {"destroy(error)", "session.destroy(new Error('mine'))",
            function(session) session:destroy("mine") end},
        {"destroy(code)", "session.destroy(11)", function(session) session:destroy(11) end},
    } do
        scenario{
            "that is given up by " .. case[1],
            client = waiting_client("null", case[2], case[3]),
            peer = "nobody",
            perhaps = "session connect", -- the kernel may be quicker than Node
        }
    end
end)

-- A client with an open POST and a GET that is answered in part.
local busy_client = {
    node = [[
        const session = t.connect();
        t.read(t.request(session, {":method": "POST"}, {}, "post"), "post");
        t.read(t.request(session, {}, {}, "get"), "get");
    ]],
    lua = function(t)
        local session = t:connect()
        t:read(t:request(session, {[":method"] = "POST"}, {}, "post"), "post")
        t:read(t:request(session, {}, {}, "get"), "get")
    end,
}

-- A server that answers in part.
local busy_server = {
    node = [[ t.serve({}, stream => {
        stream.resume();
        stream.respond();
        stream.write("part");
    }); ]],
    lua = function(t)
        t:serve({}, function(stream)
            stream:resume()
            stream:respond()
            stream:write("part")
        end)
    end,
}

-- The peer of the busy client: everything is as it should be when `leave` happens.
local function server_that(leave)
    return function(peer)
        peer:await_frame(frames.HEADERS, 3)
        peer:send(frames.response(3, 200), frames.data(3, "part"))
        peer:await_pong()
        leave(peer)
    end
end

-- The peer of the busy server.
local function client_that(leave)
    return function(peer)
        peer:send(frames.post(1), frames.get(3))
        peer:await_frame(frames.DATA, 3)
        peer:await_pong()
        leave(peer)
    end
end

local function finish(peer)
    peer:finish()
    peer:await_end()
    peer:close()
end

-- RFC 9113 6.8: it may still read why.
local says_goodbye = {{
    "a peer that has sent FIN gets GOAWAY all the same",
    node = {}, lua = {"GOAWAY(0) NO_ERROR last=0"}, trace = "frames",
}}

differential.describe("a peer that goes away", function(scenario)
    scenario{
        "by FIN, from a client",
        client = busy_client, peer = server_that(finish), by_object = true,
        differs = says_goodbye,
    }

    scenario{
        "by a TCP reset, from a client",
        client = busy_client, peer = server_that(function(peer) peer:abort() end),
        by_object = true,
    }

    scenario{
        "by FIN, from a server",
        server = busy_server, peer = client_that(finish), by_object = true,
    }

    scenario{
        "by a TCP reset, from a server",
        server = busy_server, peer = client_that(function(peer) peer:abort() end),
        by_object = true,
    }

    scenario{
        "by a TCP reset after GOAWAY, from a client",
        client = busy_client,
        peer = server_that(function(peer)
            peer:send(frames.goaway(3, 0))
            peer:await_frame(frames.GOAWAY)
            peer:abort()
        end),
        by_object = true,
    }

    scenario{
        "by FIN at once, from a client",
        client = programs.get,
        peer = function(peer)
            peer:finish()
            peer:await_end()
            peer:close()
        end,
        silent = true,
        by_object = true,
        differs = says_goodbye,
    }

    scenario{
        "by FIN, from a server without streams",
        server = programs.silent_server,
        peer = function(peer)
            peer:await_pong()
            finish(peer)
        end,
        differs = says_goodbye,
    }
end)
