local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")

describe("RFC 9113 4.1, the frame format: a server", function()
    local world = conformance.server()

    world.accepts("the reserved bit of a stream identifier",
        frames.frame(frames.SETTINGS, 0, 0x80000000, "") .. frames.get(0x80000001))

    world.accepts("undefined flags on every frame",
        frames.settings({}, 0xfe) .. frames.ping(nil, 0xfe)
            .. frames.headers(1, frames.request_fields("POST", "/"), 0xd6 & ~0x28)
            .. frames.data(1, "x", 0xf7 & ~0x8) .. frames.window_update(0, 1))

    it("ignores frames of unknown types, on any stream and of any size (5.5)", function()
        local peer = world.connect()
        for type = 0x20, 0xff do
            peer:send(frames.frame(type, type, 0, ("x"):rep(type * 64)),
                frames.frame(type, 0xff, 5, ""))
        end
        world.serves(peer)
    end)
end)

describe("RFC 9113 4.2, the frame size: a server", function()
    local world = conformance.server()

    for _, name in ipairs{
        "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PING", "GOAWAY", "WINDOW_UPDATE",
        "CONTINUATION",
    } do
        world.ends_connection(name .. " of 16385 octets, at its header", "FRAME_SIZE_ERROR",
            frames.post(1) .. frames.frame(frames[name], 0, 1, "", 16385))
    end

    world.ends_connection("an unknown frame of 2^24 - 1 octets, at its header", "FRAME_SIZE_ERROR",
        frames.frame(0x20, 0, 0, "", 0xffffff))

    world.accepts("DATA of 16384 octets",
        frames.post(1) .. frames.data(1, ("x"):rep(16384), frames.END_STREAM))
end)

describe("RFC 9113 4.2, the frame size: a server that allows more", function()
    local world = conformance.server({settings = {maxFrameSize = 20000}})

    world.accepts("frames up to what it allows", function(peer)
        peer:await_settings_ack()
        peer:send(frames.post(1), frames.data(1, ("x"):rep(20000), frames.END_STREAM))
    end)

    world.ends_connection("one octet more", "FRAME_SIZE_ERROR", function(peer)
        peer:await_settings_ack()
        peer:send(frames.post(1), frames.frame(frames.DATA, 0, 1, "", 20001))
    end)
end)

describe("RFC 9113 4.2, the frame size: a client", function()
    local world = conformance.client()

    world.ends_connection("DATA of 16385 octets", "FRAME_SIZE_ERROR",
        frames.response(1, 200) .. frames.frame(frames.DATA, 0, 1, "", 16385))

    world.ends_connection("HEADERS of 16385 octets", "FRAME_SIZE_ERROR",
        frames.frame(frames.HEADERS, 4, 1, "", 16385))
end)
