-- RFC 9113 6.6 and 8.4: PUSH_PROMISE and server push.
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local pair = require("spec.support.pair")
local rawpeer = require("spec.support.rawpeer")

local pushed = frames.request_fields("GET", "/pushed")

describe("RFC 9113 8.4, PUSH_PROMISE: a server", function()
    local world = conformance.server()

    world.ends_connection("from a client", "PROTOCOL_ERROR",
        frames.post(1) .. frames.push_promise(1, 2, pushed))
end)

describe("RFC 9113 6.6, PUSH_PROMISE: a client", function()
    local world = conformance.client()

    world.ends_connection("on stream 0", "PROTOCOL_ERROR", frames.push_promise(0, 2, pushed))
    world.ends_connection("on an idle stream", "PROTOCOL_ERROR", frames.push_promise(3, 2, pushed))
    world.ends_connection("promising an odd stream", "PROTOCOL_ERROR",
        frames.push_promise(1, 3, pushed))
    world.ends_connection("promising stream 0", "PROTOCOL_ERROR",
        frames.push_promise(1, 0, pushed))
    world.ends_connection("promising a stream below an earlier one", "PROTOCOL_ERROR",
        frames.push_promise(1, 4, pushed) .. frames.push_promise(1, 2, pushed))
    world.ends_connection("too short for its stream", "FRAME_SIZE_ERROR",
        frames.frame(frames.PUSH_PROMISE, frames.END_HEADERS, 1, "\0\0\0"))
    world.ends_connection("padding as long as the payload", "PROTOCOL_ERROR",
        frames.frame(frames.PUSH_PROMISE, frames.END_HEADERS | frames.PADDED, 1, "\6\0\0\0\2\0"))
    world.ends_connection("after the server has ended the stream", "PROTOCOL_ERROR",
        frames.response(1, 200, nil, 5) .. frames.push_promise(1, 2, pushed))

    it("emits stream for a promise, then push for its response", function()
        local log = {}
        local peer = world.connect()
        world.session:on("stream", function(stream, headers)
            log[#log + 1] = "stream " .. headers[":path"] .. " " .. stream.id
            stream:on("push", function(response)
                log[#log + 1] = "push " .. response[":status"]
            end)
            stream:on("data", function(chunk)
                log[#log + 1] = chunk
            end)
            stream:on("close", function()
                log[#log + 1] = "close"
            end)
        end)
        peer:send(peer:promise(1, 2), frames.response(1, 200, nil, 5),
            frames.response(2, 200), frames.data(2, "early", frames.END_STREAM))
        rawpeer.turn_until(function() return log[4] end)
        assert.same({"stream /pushed 2", "push 200", "early", "close"}, log)
    end)

    it("resets a promise of what cannot be pushed, and goes on", function()
        local id = 2
        local peer = world.connect()
        for _, fields in ipairs{
            frames.request_fields("POST", "/"), frames.request_fields("GET", "/", {"BAD", "1"}),
            {":method", "GET", ":path", "/"},
            frames.request_fields("GET", "/", {"content-length", "5"}),
        } do
            peer:send(frames.push_promise(1, id, fields))
            peer:await_reset(id, "PROTOCOL_ERROR")
            id = id + 2
        end
        world.serves(peer)
    end)

    it("resets a promise for an origin that is not the server's, and goes on", function()
        local peer = world.connect()
        local seen = {}
        world.session:on("stream", function(_, headers)
            seen[#seen + 1] = headers[":authority"]
        end)
        local _, port = peer.socket:getsockname()
        local own = "127.0.0.1:" .. port
        for index, case in ipairs{{"http", "elsewhere.example"}, {"http", "127.0.0.1"},
            {"https", own}, {"http", "127.0.0.1:" .. port - 1}} do
            peer:send(frames.push_promise(1, 2 * index, {":method", "GET", ":path", "/",
                ":scheme", case[1], ":authority", case[2]}))
            peer:await_reset(2 * index, "PROTOCOL_ERROR")
        end
        peer:send(peer:promise(1, 10))
        rawpeer.turn_until(function() return seen[1] end)
        assert.same({own}, seen)
        world.serves(peer)
    end)

    it("takes a promise for the origin of the request that it belongs to", function()
        local peer = world.connect()
        local seen
        world.session:on("stream", function(_, headers)
            seen = headers[":authority"]
        end)
        local stream = world.session:request{[":authority"] = "Name.example:80"}:resume()
        stream:on("error", function() end)
        peer:await_frame(frames.HEADERS, 3)
        peer:send(frames.push_promise(3, 2, {":method", "GET", ":path", "/", ":scheme", "http",
            ":authority", "name.example"}))
        assert.equal("name.example", rawpeer.turn_until(function() return seen end))
    end)

    it("takes a promise for an origin that the server has said it answers for", function()
        local seen, left = {}, 2
        pair.play{
            tls = true,
            server_options = {origins = {"https://other.example"}},
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond()
                    for _, host in ipairs{"other.example", "foreign.example"} do
                        stream:pushStream({[":authority"] = host}, function(_, push)
                            push:on("error", function() end)
                            push:on("close", function()
                                left = left - 1
                                if left == 0 then
                                    stream:finish()
                                end
                            end)
                            push:respond({}, {endStream = true})
                        end)
                    end
                end)
            end,
            client = function(session)
                session:on("stream", function(push, headers)
                    seen[#seen + 1] = headers[":authority"]
                    push:resume()
                end)
                session:on("origin", function()
                    session:request():resume():on("close", function()
                        session:close()
                    end)
                end)
            end,
        }
        assert.same({"other.example"}, seen)
    end)
end)

describe("RFC 9113 8.4, PUSH_PROMISE: a client that refuses pushes", function()
    local world = conformance.client({settings = {enablePush = false}})

    world.ends_connection("a promise after its SETTINGS are acknowledged", "PROTOCOL_ERROR",
        frames.push_promise(1, 2, pushed))
end)
