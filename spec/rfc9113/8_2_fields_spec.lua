-- RFC 9113 8.2: what names and values of fields may hold.
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local hpack = require("spec.support.hpack")

local start = hpack.encode(frames.request_fields("GET", "/"))

-- Sends a request with the field for each case, each on a stream of its own; all are to be reset.
local function all_are_reset(peer, cases)
    for index, case in ipairs(cases) do
        local id = index * 2 - 1
        peer:send(frames.headers(id, start .. hpack.literal(case[1], case[2]), 5))
        local ok, err = pcall(peer.await_reset, peer, id, "PROTOCOL_ERROR")
        assert(ok, ("%q: %q is not refused: %s"):format(case[1], case[2], err))
    end
end

describe("RFC 9113 8.2.1, names: a server", function()
    local world = conformance.server()

    it("resets requests with octets that no name may have, first, within and last", function()
        local cases = {{"", "x"}}
        for octet = 0, 255 do
            local char = string.char(octet)
            if not char:find("[%l%d!#$%%&'*+.^_`|~-]") then
                table.insert(cases, {"a" .. char .. "b", "x"})
                table.insert(cases, {"a" .. char, "x"})
                if char ~= ":" then
                    table.insert(cases, {char .. "b", "x"})
                end
            end
        end
        local peer = world.connect()
        all_are_reset(peer, cases)
        assert.same({}, world.requests)
        world.serves(peer)
    end)

    it("takes every octet of a token", function()
        local peer = world.connect()
        local name = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
        peer:send(frames.get(1, "/", {name, "x"}))
        assert.equal(200, peer:await_answer(1).status)
        assert.equal("x", world.requests[1][name])
    end)
end)

describe("RFC 9113 8.2.1, values: a server", function()
    local world = conformance.server()

    it("resets requests with control octets in a value, first, within and last", function()
        local cases = {}
        for octet = 0, 127 do
            if octet < 32 and octet ~= 9 or octet == 127 then
                local char = string.char(octet)
                for _, value in ipairs{char .. "b", "a" .. char .. "b", "a" .. char} do
                    table.insert(cases, {"x-value", value})
                end
            end
        end
        local peer = world.connect()
        all_are_reset(peer, cases)
        assert.same({}, world.requests)
        world.serves(peer)
    end)

    it("resets requests with white space around a value", function()
        local peer = world.connect()
        all_are_reset(peer, {{"x", " a"}, {"x", "a "}, {"x", "\ta"}, {"x", "a\t"}, {"x", " "}})
    end)

    it("takes tabs and spaces within, an empty value, and octets above 127", function()
        local peer = world.connect()
        local value = "a\tb c"
        for octet = 128, 255 do
            value = value .. string.char(octet)
        end
        peer:send(frames.get(1, "/", {"x-value", value, "x-empty", ""}))
        assert.equal(200, peer:await_answer(1).status)
        assert.equal(value, world.requests[1]["x-value"])
        assert.equal("", world.requests[1]["x-empty"])
    end)
end)

describe("RFC 9113 8.2.2, connection fields: a server", function()
    local world = conformance.server()

    it("resets requests that carry them", function()
        local peer = world.connect()
        all_are_reset(peer, {
            {"connection", "close"}, {"connection", "x"}, {"proxy-connection", "keep-alive"},
            {"keep-alive", "timeout=5"}, {"transfer-encoding", "chunked"},
            {"upgrade", "websocket"}, {"http2-settings", "AAMAAABk"}, {"te", "gzip"},
            {"te", "trailers, gzip"},
        })
        world.serves(peer)
    end)

    world.accepts("te: trailers", frames.get(1, "/", {"te", "trailers"}))
end)

describe("RFC 9113 8.2.3, cookies: a server", function()
    local world = conformance.server()

    it("joins those that come in pieces", function()
        local peer = world.connect()
        peer:send(frames.get(1, "/", {"cookie", "a=1", "x", "y", "cookie", "b=2", "cookie", "c"}))
        peer:await_answer(1)
        assert.equal("a=1; b=2; c", world.requests[1].cookie)
    end)
end)

describe("RFC 9113 8.2, fields: a client", function()
    local world = conformance.client()

    for _, field in ipairs{
        {"BAD", "x"}, {"x y", "x"}, {"x", "a\r\nb: c"}, {"x", "a\0"}, {"", "x"},
        {"connection", "close"}, {"transfer-encoding", "chunked"}, {"te", "trailers"},
    } do
        world.resets_stream(("a response with %q: %q"):format(field[1], field[2]),
            "PROTOCOL_ERROR", frames.response(1, 200, field))
    end
end)
