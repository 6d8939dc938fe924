local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local rawpeer = require("spec.support.rawpeer")

describe("RFC 9113 3.4, the preface: a server", function()
    local world = conformance.server()

    it("sends SETTINGS first, without waiting for the client", function()
        local peer = rawpeer.open(world.port)
        local first = peer:read()
        assert.equal(frames.SETTINGS, first.type)
        assert.equal(0, first.flags)
        assert.equal(0, first.id)
    end)

    it("acknowledges the client's SETTINGS", function()
        local peer = world.connect()
        assert.equal("", peer:await_settings_ack().payload)
    end)

    it("takes the preface octet by octet", function()
        local peer = rawpeer.open(world.port)
        local octets = frames.preface .. frames.settings() .. frames.get(1)
        for at = 1, #octets do
            peer:send(octets:sub(at, at))
        end
        assert.equal(200, peer:await_answer(1).status)
    end)

    it("takes the preface and requests in one piece", function()
        local peer = rawpeer.open(world.port)
        peer:send(frames.preface .. frames.settings() .. frames.get(1) .. frames.get(3))
        assert.equal(200, peer:await_answer(1).status)
        assert.equal(200, peer:await_answer(3).status)
    end)

    it("closes at a wrong octet anywhere in it", function()
        for at = 1, #frames.preface do
            local peer = rawpeer.open(world.port)
            peer:send(frames.preface:sub(1, at - 1) .. "\1")
            peer:await_end()
        end
        assert.same({}, world.requests)
    end)

    it("closes when it is spoken to in another protocol", function()
        for _, words in ipairs{
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "EHLO localhost\r\n",
            "\22\3\1\2\0\1\0\1\252\3\3", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        } do
            local peer = rawpeer.open(world.port)
            peer:send(words)
            peer:await_end()
        end
        assert.same({}, world.requests)
    end)

    for title, octets in pairs{
        ["PING"] = frames.ping(),
        ["HEADERS"] = frames.get(1),
        ["an acknowledgement of SETTINGS"] = frames.settings_ack(),
        ["a frame of an unknown type"] = frames.frame(0x20, 0, 0, ""),
    } do
        it("ends the connection with PROTOCOL_ERROR: the first frame is " .. title, function()
            local peer = rawpeer.open(world.port)
            peer:send(frames.preface, octets)
            peer:await_fault("PROTOCOL_ERROR")
            assert.same({}, world.requests)
        end)
    end
end)

describe("RFC 9113 3.4, the preface: a client", function()
    local listener, session, err
    local http2 = require("http2")
    local loop = require("spec.support.loop")

    before_each(function()
        err = nil
        listener = rawpeer.listen()
        session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        session:on("error", function(e)
            err = e
        end)
    end)

    after_each(function()
        listener:close()
        loop.clean()
    end)

    for title, octets in pairs{
        ["PING"] = frames.ping(),
        ["an acknowledgement of SETTINGS"] = frames.settings_ack(),
        ["an HTTP/1.1 response"] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    } do
        it("ends the connection when it is not SETTINGS but " .. title, function()
            local peer = listener:accept_silent()
            peer:read_preface()
            peer:send(octets)
            peer:await_end()
            rawpeer.turn_until(function() return err end)
            assert.is_truthy(err)
            assert.is_true(session.destroyed)
        end)
    end
end)
