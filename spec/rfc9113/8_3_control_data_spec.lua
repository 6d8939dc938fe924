-- RFC 9113 8.3: pseudo-fields.
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local hpack = require("spec.support.hpack")

local function request(fields)
    return frames.headers(1, fields, 5)
end

local function with(name, value)
    local fields = frames.request_fields("GET", "/")
    for index = 1, #fields, 2 do
        if fields[index] == name then
            fields[index + 1] = value
        end
    end
    return request(fields)
end

describe("RFC 9113 8.3, pseudo-fields of requests: a server", function()
    local world = conformance.server()

    world.resets_stream(":method twice", "PROTOCOL_ERROR",
        request{":method", "GET", ":method", "GET", ":scheme", "http", ":path", "/"})
    world.resets_stream(":path twice", "PROTOCOL_ERROR",
        request{":method", "GET", ":scheme", "http", ":path", "/", ":path", "/other"})
    world.resets_stream(":authority twice", "PROTOCOL_ERROR", request{
        ":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", ":authority", "a"})
    world.resets_stream("one after a regular field", "PROTOCOL_ERROR",
        request{":method", "GET", ":scheme", "http", "x", "y", ":path", "/"})
    world.resets_stream("one after a regular field, in CONTINUATION", "PROTOCOL_ERROR",
        frames.headers(1, {":method", "GET", ":scheme", "http", "x", "y"}, frames.END_STREAM)
            .. frames.continuation(1, hpack.encode{":path", "/"}, frames.END_HEADERS))
    world.resets_stream(":status", "PROTOCOL_ERROR",
        request(frames.request_fields("GET", "/", {":status", "200"})))
    world.resets_stream("an unknown one", "PROTOCOL_ERROR",
        request{":method", "GET", ":scheme", "http", ":path", "/", ":foo", "bar"})
    world.resets_stream("no :method", "PROTOCOL_ERROR", request{":scheme", "http", ":path", "/"})
    world.resets_stream("no :scheme", "PROTOCOL_ERROR", request{":method", "GET", ":path", "/"})
    world.resets_stream("no :path", "PROTOCOL_ERROR", request{":method", "GET", ":scheme", "http"})
    world.resets_stream("an empty :path (8.3.1)", "PROTOCOL_ERROR", with(":path", ""))
    world.resets_stream("an empty :method", "PROTOCOL_ERROR", with(":method", ""))

    for _, path in ipairs{"no-slash", "*", "/a b", "/a\r\nb", "/a\0", "/#fragment",
        "http://localhost/", "/\127"} do
        world.resets_stream((":path %q"):format(path), "PROTOCOL_ERROR", with(":path", path))
    end
    for _, method in ipairs{"GET /x HTTP/1.1", "G\0T", "GE T", "GET:"} do
        world.resets_stream((":method %q"):format(method), "PROTOCOL_ERROR",
            with(":method", method))
    end
    for _, scheme in ipairs{"http://x/?", "ht tp", ""} do
        world.resets_stream((":scheme %q"):format(scheme), "PROTOCOL_ERROR",
            with(":scheme", scheme))
    end
    for _, authority in ipairs{"user@host", "a/b", "a?b", "a,b", "a b", "host:99999"} do
        world.resets_stream((":authority %q"):format(authority), "PROTOCOL_ERROR",
            with(":authority", authority))
    end
    world.resets_stream("a host that is not :authority", "PROTOCOL_ERROR",
        frames.get(1, "/", {"host", "elsewhere"}))
    world.resets_stream("two hosts", "PROTOCOL_ERROR", request{
        ":method", "GET", ":scheme", "http", ":path", "/", "host", "a", "host", "b"})

    world.accepts("OPTIONS *", request(frames.request_fields("OPTIONS", "*")))
    world.accepts("a path that looks like an authority", with(":path", "//example.com/"))
    world.accepts("methods that nobody knows", with(":method", "BREW"))
    world.accepts("a host that equals :authority", frames.get(1, "/", {"host", "localhost"}))
    world.accepts("host in place of :authority",
        request{":method", "GET", ":scheme", "http", ":path", "/", "host", "localhost"})

    it("never calls the handler for these", function()
        local peer = world.connect()
        peer:send(with(":path", ""))
        peer:await_reset(1, "PROTOCOL_ERROR")
        assert.same({}, world.requests)
    end)
end)

describe("RFC 9113 8.3.2, pseudo-fields of responses: a client", function()
    local world = conformance.client()

    local function response(fields)
        return frames.headers(1, fields)
    end

    world.resets_stream("no :status", "PROTOCOL_ERROR", response{"x", "y"})
    world.resets_stream(":status twice", "PROTOCOL_ERROR",
        response{":status", "200", ":status", "200"})
    world.resets_stream(":status after a regular field", "PROTOCOL_ERROR",
        response{"x", "y", ":status", "200"})
    world.resets_stream("a request's pseudo-field", "PROTOCOL_ERROR",
        response{":status", "200", ":path", "/"})
    for _, status in ipairs{"", "20", "2000", "abc", "0x1", "099", " 200"} do
        world.resets_stream((":status %q"):format(status), "PROTOCOL_ERROR",
            response{":status", status})
    end
end)

describe("RFC 9113 8.5, CONNECT: a server", function()
    local world = conformance.server()

    local authority = {":method", "CONNECT", ":authority", "example.com:443"}
    local function connect(more, flags)
        local fields = table.move(authority, 1, #authority, 1, {})
        return frames.headers(1, table.move(more, 1, #more, #fields + 1, fields), flags)
    end

    world.resets_stream("CONNECT with :scheme", "PROTOCOL_ERROR", connect{":scheme", "https"})
    world.resets_stream("CONNECT with :path", "PROTOCOL_ERROR", connect{":path", "/"})
    world.resets_stream("CONNECT without :authority", "PROTOCOL_ERROR",
        frames.headers(1, {":method", "CONNECT"}))

    it("carries octets both ways", function()
        world.handler = function(stream, headers)
            assert.equal("CONNECT", headers[":method"])
            assert.equal("example.com:443", headers[":authority"])
            stream:respond()
            stream:pipe(stream)
        end
        local peer = world.connect()
        peer:send(connect{})
        assert.equal("200", peer:await_frame(frames.HEADERS, 1).fields[":status"])
        for _, octets in ipairs{"ping", "pong"} do
            peer:send(frames.data(1, octets))
            assert.equal(octets, peer:await_frame(frames.DATA, 1).payload)
        end
        peer:send(frames.data(1, "", frames.END_STREAM))
        local last = peer:await_frame(frames.DATA, 1)
        assert.is_true(frames.has(last, frames.END_STREAM))
    end)
end)
