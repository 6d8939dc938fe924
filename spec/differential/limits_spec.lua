-- behaviour.md 7: limits of a session, reached by its peer.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")

-- A server with options, which answers nothing.
local function server_with(node, lua)
    return {
        node = ("t.serve(%s, () => {});"):format(node),
        lua = function(t) t:serve(lua, function() end) end,
    }
end

local function fields(count)
    local list = {}
    for index = 1, count do
        list[2 * index - 1], list[2 * index] = "x-" .. index, "1"
    end
    return list
end

-- So many requests, each reset by the server or the client.
local function each(first, count, make)
    local octets = {}
    for index = 1, count do
        octets[index] = make(first + 2 * (index - 1))
    end
    return table.concat(octets)
end

differential.describe("the limit", function(scenario)
    scenario{
        "of fields, which count with the pseudo-headers",
        server = server_with("{maxHeaderListPairs: 6}", {maxHeaderListPairs = 6}),
        peer = function(peer)
            peer:send(frames.get(1, "/", fields(2)), frames.get(3, "/", fields(3)))
            peer:await_frame(frames.RST_STREAM, 3)
            peer:await_pong()
        end,
        by_object = true, lasts = 0.05,
    }

    scenario{
        "of the size of a header list",
        server = server_with("{settings: {maxHeaderListSize: 300}}",
            {settings = {maxHeaderListSize = 300}}),
        peer = function(peer)
            peer:send(frames.get(1, "/", {"x-a", ("y"):rep(50)}))
            peer:send(frames.get(3, "/", {"x-a", ("y"):rep(100)}))
            peer:await_frame(frames.RST_STREAM, 3)
            peer:await_pong()
        end,
        by_object = true, lasts = 0.05,
    }

    scenario{
        "of streams at once, when it has been acknowledged",
        server = server_with("{settings: {maxConcurrentStreams: 1}, maxSessionRejectedStreams: 2}",
            {settings = {maxConcurrentStreams = 1}, maxSessionRejectedStreams = 2}),
        peer = function(peer)
            peer:send(frames.post(1))
            peer:await_pong() -- behind the acknowledgement
            peer:send(each(3, 5, frames.post))
            peer:await_frame(frames.GOAWAY)
        end,
        by_object = true,
        differs = {{
            "RFC 9113 5.1.2: each costs itself, until there are too many of them",
            node = {"PING(0) ACK", "GOAWAY(0) INTERNAL_ERROR last=1"},
            lua = {"PING(0) ACK", "RST_STREAM(3) REFUSED_STREAM", "RST_STREAM(5) REFUSED_STREAM",
                "RST_STREAM(7) REFUSED_STREAM", "GOAWAY(0) ENHANCE_YOUR_CALM last=1"},
            trace = "frames",
        }},
    }

    scenario{
        "of resets",
        server = {
            node = "t.listen(http2.createServer().on('stream', stream => stream.resume()));",
            lua = function(t, http2)
                t:listen(http2.createServer():on("stream", function(stream) stream:resume() end))
            end,
        },
        peer = function(peer)
            local first, frame = 1
            repeat
                peer:send(each(first, 100, function(id)
                    return frames.get(id) .. frames.rst_stream(id, 8)
                end))
                first = first + 200
                repeat
                    frame = peer:read(0.01)
                until not frame or frame.type == frames.GOAWAY
            until frame
            peer:close()
            differential.pause(0.05)
        end,
        by_object = true, lasts = 0.05,
        varies = {"last=%d%d%d%d$", "last=N"}, -- a thousand, and 33 more for each second
        differs = {{
            "PORT: the session ends with an error",
            node = {"session connect"},
            lua = {"server sessionError ERR_HTTP2_ERROR", "session connect",
                "session error ERR_HTTP2_ERROR", "session close"},
        }, {
            "GOAWAY says what was wrong",
            node = {"GOAWAY(0) INTERNAL_ERROR last=N"},
            lua = {"GOAWAY(0) ENHANCE_YOUR_CALM last=N"}, trace = "frames",
        }},
    }

    scenario{
        "of frames that are refused",
        server = server_with("{maxSessionInvalidFrames: 5}",
            {maxSessionInvalidFrames = 5, strictStreamErrors = false}),
        peer = function(peer)
            peer:send(each(1, 20, function(id)
                return frames.headers(id, frames.request_fields("GET", "/", {"X-Upper", "1"}))
            end))
            peer:await_frame(frames.GOAWAY)
        end,
        by_object = true,
        differs = {{
            "each is answered, until there are too many of them; none was processed",
            node = {"GOAWAY(0) INTERNAL_ERROR last=13"},
            lua = {"RST_STREAM(1) PROTOCOL_ERROR", "RST_STREAM(3) PROTOCOL_ERROR",
                "RST_STREAM(5) PROTOCOL_ERROR", "RST_STREAM(7) PROTOCOL_ERROR",
                "RST_STREAM(9) PROTOCOL_ERROR", "RST_STREAM(11) PROTOCOL_ERROR",
                "GOAWAY(0) ENHANCE_YOUR_CALM last=0"},
            trace = "frames",
        }},
    }

    scenario{
        "of empty DATA",
        server = server_with("{}", {}),
        peer = function(peer)
            peer:send(frames.post(1))
            peer:await_pong()
            peer:send(frames.data(1, ""):rep(1100))
            peer:await_frame(frames.GOAWAY)
        end,
        by_object = true,
        differs = {{
            "GOAWAY says what was wrong",
            node = {"GOAWAY(0) INTERNAL_ERROR last=1"},
            lua = {"GOAWAY(0) ENHANCE_YOUR_CALM last=1"}, trace = "frames",
        }},
    }
end)
