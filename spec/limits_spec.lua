-- What a hostile peer may make the library do, each with its twin who behaves well.
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local hpack = require("spec.support.hpack")
local leaks = require("spec.support.leaks")
local rawpeer = require("spec.support.rawpeer")
local socket = require("socket")

local start = hpack.encode(frames.request_fields("GET", "/"))

local function get(id, block)
    return frames.headers(id, block, frames.END_HEADERS | frames.END_STREAM)
end

-- The frames of a block that is too long for one.
local function cut(id, block)
    local pieces = {frames.headers(id, block:sub(1, 16384), frames.END_STREAM)}
    for at = 16385, #block, 16384 do
        local flags = at + 16384 > #block and frames.END_HEADERS or 0
        pieces[#pieces + 1] = frames.continuation(id, block:sub(at, at + 16383), flags)
    end
    return table.concat(pieces)
end

local function ignore_errors(stream)
    stream:on("error", function() end)
end

-- Sends what `next_hundred(round)` gives, each of which costs one; fails unless the connection ends
-- after `burst` of them and `rate` more for each second that it took.
local function spend(peer, burst, rate, next_hundred)
    local begun = socket.gettime()
    local rounds, goaway = peer:send_until_goaway(burst // 10, next_hundred)
    local most = burst + rate * (socket.gettime() - begun + 1)
    assert.equal(frames.errors.ENHANCE_YOUR_CALM, goaway.code)
    assert.is_true(rounds * 100 > burst and (rounds - 1) * 100 <= most,
        rounds * 100 .. " were sent")
end

describe("the size of header lists: a server", function()
    local world = conformance.server()

    world.resets_stream("one value of 70 KB", "ENHANCE_YOUR_CALM",
        cut(1, start .. hpack.literal("x-large", ("x"):rep(70000))))
    world.resets_stream("many fields that are too much together", "ENHANCE_YOUR_CALM",
        cut(1, start .. hpack.literal("x", ("y"):rep(900)):rep(80)))
    world.resets_stream("a small block that unfolds to more", "ENHANCE_YOUR_CALM",
        get(1, start .. hpack.literal("x", ("y"):rep(3000), "indexed") .. hpack.index(62):rep(30)))
    world.ends_connection("a block that unfolds to more than four times the limit",
        "ENHANCE_YOUR_CALM",
        get(1, start .. hpack.literal("x", ("y"):rep(4000), "indexed")
            .. hpack.index(62):rep(10000)))
    world.resets_stream("trailers that are too much", "ENHANCE_YOUR_CALM", function(peer)
        peer:send(frames.post(1), cut(1, hpack.literal("x-large", ("x"):rep(70000))))
    end)

    world.accepts("60 KB of fields", cut(1, start .. hpack.literal("x", ("y"):rep(1000)):rep(58)))

    it("keeps what a block that was too large has put into the table", function()
        local peer = world.connect()
        peer:send(cut(1, start .. hpack.literal("x-kept", "1", "indexed")
            .. hpack.literal("x-large", ("x"):rep(70000))))
        peer:await_reset(1, "ENHANCE_YOUR_CALM")
        peer:send(get(3, start .. hpack.index(62)))
        assert.equal(200, peer:await_answer(3).status)
        assert.equal("1", world.requests[1]["x-kept"])
    end)
end)

describe("the number of fields: a server", function()
    local world = conformance.server()

    world.resets_stream("129 of them", "ENHANCE_YOUR_CALM",
        get(1, start .. hpack.literal("x", "y"):rep(125)))
    world.resets_stream("129 with the pieces of a cookie", "ENHANCE_YOUR_CALM",
        get(1, start .. hpack.literal("cookie", "a=b"):rep(125)))
    world.resets_stream("thousands of one octet each", "ENHANCE_YOUR_CALM",
        get(1, start .. hpack.literal("a", "", "indexed") .. hpack.index(62):rep(1500)))
    world.resets_stream("129 in trailers", "ENHANCE_YOUR_CALM",
        frames.post(1) .. frames.headers(1, hpack.literal("x", "y"):rep(129), 5))

    world.accepts("128 of them", get(1, start .. hpack.literal("x", "y"):rep(124)))

    it("joins a hundred pieces of a cookie in order", function()
        local block, joined = {start}, {}
        for index = 1, 100 do
            block[#block + 1] = hpack.literal("cookie", "c=" .. index)
            joined[#joined + 1] = "c=" .. index
        end
        local peer = world.connect()
        peer:send(get(1, table.concat(block)))
        peer:await_answer(1)
        assert.equal(table.concat(joined, "; "), world.requests[1].cookie)
    end)
end)

describe("the number of fields: a server that allows more", function()
    local world = conformance.server({
        maxHeaderListPairs = 1000, settings = {maxHeaderListSize = 200000},
    })

    world.accepts("1000 of them", get(1, start .. hpack.literal("x", "y"):rep(996)))
    world.resets_stream("1001 of them", "ENHANCE_YOUR_CALM",
        get(1, start .. hpack.literal("x", "y"):rep(997)))
end)

describe("CONTINUATION: a server", function()
    local world = conformance.server()

    local nine = frames.continuation(1, "\0\1x\1y"):rep(9)

    world.ends_connection("a ninth for a request", "ENHANCE_YOUR_CALM",
        frames.headers(1, start, 0) .. nine)
    world.ends_connection("a ninth for trailers", "ENHANCE_YOUR_CALM",
        frames.post(1) .. frames.headers(1, "", 1) .. nine)
    world.ends_connection("a ninth on a stream that is reset", "ENHANCE_YOUR_CALM",
        function(peer)
            peer:send(frames.post(1, "/", {"BAD", "x"}))
            peer:await_reset(1, "PROTOCOL_ERROR")
            peer:send(frames.headers(1, "", 1), nine)
        end)
    world.ends_connection("a second one that is empty", "ENHANCE_YOUR_CALM",
        frames.headers(1, start, 0) .. frames.continuation(1, ""):rep(2))

    it("ends the connection with ENHANCE_YOUR_CALM: a ninth after GOAWAY", function()
        world.handler = ignore_errors
        local server_session
        world.server:on("session", function(session)
            server_session = session
        end)
        local peer = world.connect()
        peer:send(frames.post(1))
        peer:await_pong()
        server_session:close()
        peer:await_frame(frames.GOAWAY)
        peer:send(frames.headers(3, start, 0), (frames.continuation(3, "\0\1x\1y"):rep(9)))
        peer:await_fault("ENHANCE_YOUR_CALM")
    end)

    world.accepts("eight", frames.headers(1, start, 1)
        .. frames.continuation(1, "\0\1x\1y"):rep(7) .. frames.continuation(1, "\0\1x\1y", 4))
    world.accepts("one that is empty", frames.headers(1, start, 1) .. frames.continuation(1, "", 4))
end)

describe("header lists: a client", function()
    local world = conformance.client()

    world.resets_stream("a response with 129 fields", "ENHANCE_YOUR_CALM",
        frames.headers(1, hpack.index(8) .. hpack.literal("x", "y"):rep(128)))
    world.resets_stream("a response with 70 KB of fields", "ENHANCE_YOUR_CALM", function(peer)
        local block = hpack.index(8) .. hpack.literal("x", ("y"):rep(70000))
        peer:send((cut(1, block)))
    end)
    world.ends_connection("a ninth CONTINUATION", "ENHANCE_YOUR_CALM",
        frames.headers(1, hpack.index(8), 0) .. frames.continuation(1, "\0\1x\1y"):rep(9))
    world.ends_connection("a ninth CONTINUATION of a promise", "ENHANCE_YOUR_CALM",
        frames.push_promise(1, 2, start, 0) .. frames.continuation(1, "\0\1x\1y"):rep(9))
end)

describe("resets by the client: a server", function()
    local world = conformance.server()

    local function open_and_reset(from, count)
        local octets = {}
        for index = 0, count - 1 do
            local id = from + index * 2
            octets[#octets + 1] = frames.get(id) .. frames.rst_stream(id, 8)
        end
        return table.concat(octets)
    end

    it("ends the connection when they never stop, and has called few handlers", function()
        world.handler = function(stream)
            world.requests[#world.requests + 1] = true
            ignore_errors(stream)
        end
        local peer = world.connect()
        local _, goaway = peer:send_until_goaway(20, function(round)
            return open_and_reset(round * 200 + 1, 100)
        end)
        assert.equal(frames.errors.ENHANCE_YOUR_CALM, goaway.code)
        assert.is_true(#world.requests <= 1100, #world.requests .. " handlers were called")
    end)

    it("does not call the handler for requests that are reset in the same breath", function()
        world.handler = function()
            world.requests[#world.requests + 1] = true
        end
        local peer = world.connect()
        peer:send((open_and_reset(1, 50)))
        peer:await_pong()
        assert.same({}, world.requests)
    end)

    it("takes hundreds", function()
        local peer = world.connect()
        peer:send((open_and_reset(1, 400)))
        world.serves(peer)
    end)
end)

describe("resets that the client provokes: a server", function()
    local world = conformance.server()

    local bad = hpack.encode{":method", "GET", ":scheme", "http"}

    local function malformed(from, count)
        local octets = {}
        for index = 0, count - 1 do
            octets[#octets + 1] = get(from + index * 2, bad)
        end
        return table.concat(octets)
    end

    it("ends the connection after a thousand, and 33 more for each second", function()
        spend(world.connect(), 1000, 33, function(round)
            return malformed(round * 200 + 1, 100)
        end)
        assert.same({}, world.requests)
    end)

    it("takes a hundred", function()
        local peer = world.connect()
        peer:send((malformed(1, 100)))
        for index = 0, 99 do
            peer:await_reset(1 + index * 2, "PROTOCOL_ERROR")
        end
        world.serves(peer)
    end)
end)

describe("refused streams: a server", function()
    local world = conformance.server({settings = {maxConcurrentStreams = 2}})

    before_each(function()
        world.handler = ignore_errors
    end)

    local function open(peer, count)
        peer:await_settings_ack()
        for index = 0, count - 1 do
            if not peer:send((frames.get(1 + index * 2))) then
                break
            end
        end
    end

    world.ends_connection("a hundred and one in a row", "ENHANCE_YOUR_CALM", function(peer)
        open(peer, 104)
    end)

    it("takes fifty", function()
        local peer = world.connect()
        open(peer, 52)
        peer:await_reset(103, "REFUSED_STREAM")
        peer:send(frames.rst_stream(1, 8))
        world.handler = nil
        world.serves(peer)
    end)
end)

describe("SETTINGS: a server", function()
    local world = conformance.server()

    local function entries(count)
        local list = {}
        for index = 1, count do
            list[index] = {frames.INITIAL_WINDOW_SIZE, index % 2 == 0 and 0 or 65535}
        end
        return frames.settings(list)
    end

    world.ends_connection("33 entries in one frame", "ENHANCE_YOUR_CALM", entries(33))
    world.accepts("32 entries in one frame",
        entries(31) .. frames.settings{{frames.INITIAL_WINDOW_SIZE, 65535}})

    it("ends the connection after ten thousand, and 330 more for each second", function()
        spend(world.connect(), 10000, 330, function()
            return (frames.settings():rep(100))
        end)
    end)

    it("acknowledges each of a hundred", function()
        local peer = world.connect()
        peer:await_settings_ack()
        peer:send((frames.settings():rep(100)))
        for _ = 1, 100 do
            peer:await_settings_ack()
        end
        world.serves(peer)
    end)
end)

describe("frames that do nothing: a server", function()
    local world = conformance.server()

    -- Sends the frame ever again; fails unless the connection ends after `least` to `most` hundred.
    local function ends_after(title, frame, least, most)
        it("ends the connection after many " .. title, function()
            local peer = world.connect()
            peer:send(frames.post(1))
            local rounds, goaway = peer:send_until_goaway(most, function()
                return (frame:rep(100))
            end)
            assert.equal(frames.errors.ENHANCE_YOUR_CALM, goaway.code)
            assert.is_true(rounds >= least, rounds * 100 .. " were taken")
        end)
    end

    ends_after("empty DATA", frames.data(1, ""), 9, 12)
    ends_after("DATA of nothing but padding", frames.data(1, "", 0, 10), 9, 12)
    ends_after("PRIORITY", frames.priority(3, 0), 90, 300)
    ends_after("frames of unknown types", frames.frame(0x20, 0, 0, "x"), 90, 300)
    ends_after("WINDOW_UPDATE", frames.window_update(0, 1), 90, 300)

    world.accepts("some empty DATA", frames.post(1) .. frames.data(1, ""):rep(500)
        .. frames.data(1, "", frames.END_STREAM))
    world.ends_connection("a third GOAWAY", "PROTOCOL_ERROR",
        frames.post(1) .. frames.goaway(0, 0):rep(3))
end)

describe("the memory of a session: a server", function()
    local world = conformance.server({maxSessionMemory = 1})

    it("refuses new streams while too much is queued, and serves those it has", function()
        world.handler = function(stream)
            ignore_errors(stream)
            stream:respond()
            stream:finish(("x"):rep(2000000))
        end
        local peer = world.connect({{frames.INITIAL_WINDOW_SIZE, 0}})
        peer:await_settings_ack()
        peer:send(frames.get(1))
        peer:await_pong()
        peer:send(frames.get(3))
        peer:await_reset(3, "ENHANCE_YOUR_CALM")
        peer:send(frames.window_update(1, 3000000))
        assert.equal(2000000, #peer:await_answer(1).body)
        world.handler = nil
        peer:send(frames.settings{{frames.INITIAL_WINDOW_SIZE, 65535}})
        world.serves(peer)
    end)
end)

describe("many short streams: a server", function()
    local world = conformance.server()

    it("keeps nothing of those that are over", function()
        local peer = world.connect()
        local id = 1
        world.handler = function(stream)
            stream:respond({[":status"] = 204}, {endStream = true})
        end
        local function hundred()
            for _ = 1, 100 do
                peer:send((frames.get(id)))
                peer:await_frame(frames.HEADERS, id)
                id = id + 2
            end
        end
        assert.is_true(leaks.growth(hundred, 20) < 1, "each hundred streams leave something")
        peer:close()
        rawpeer.turn_for(0.01)
    end)
end)

describe("octets that carry nothing: a server", function()
    -- The other limits are lifted: it is the ratio that ends these.
    local world = conformance.server({
        glitchBurst = 10 ^ 9, maxSessionInvalidFrames = 10 ^ 9, maxOverheadRatio = 2,
    })

    -- Two octets in for each of the one mebibyte of payload that nobody has to bring.
    local least, most = 2 << 20, 2 << 20 | 1 << 18

    local function ends_after(title, frame)
        it("ends the connection when they outweigh the payload: " .. title, function()
            local batch = frame:rep(65536 // #frame)
            local peer = world.connect()
            peer:send(frames.post(1))
            local rounds, goaway = peer:send_until_goaway(60, function()
                return batch
            end)
            assert.equal(frames.errors.ENHANCE_YOUR_CALM, goaway.code)
            local octets = rounds * #batch
            assert.is_true(octets >= least and octets <= most, octets .. " octets were taken")
        end)
    end

    ends_after("frames of unknown types", frames.frame(0x20, 0, 0, ("x"):rep(16384)))
    ends_after("DATA that is mostly padding", frames.data(1, "x", 0, 255))
    ends_after("WINDOW_UPDATE that nothing was sent for", frames.window_update(0, 1))

    it("takes as much and more of what carries something", function()
        local peer = world.connect()
        peer:send(frames.post(1))
        for _ = 1, 64 do
            peer:send(frames.data(1, ("x"):rep(16384)):rep(4), frames.ping("and that"))
            peer:await_frame(frames.PING)
        end
        peer:send(frames.data(1, "", frames.END_STREAM))
        assert.equal(200, peer:await_answer(1).status)
        world.serves(peer)
    end)
end)

describe("interim responses: a client", function()
    local world = conformance.client()

    local function hints(octets)
        return frames.headers(1, hpack.encode{":status", "103", "link", ("x"):rep(octets)})
    end

    world.resets_stream("a thirty-third of them", "PROTOCOL_ERROR", hints(10):rep(33))
    world.resets_stream("more than one list of fields altogether", "PROTOCOL_ERROR",
        hints(10000):rep(7))
    world.resets_stream("101", "PROTOCOL_ERROR",
        frames.headers(1, hpack.encode{":status", "101"}))

    world.accepts("thirty-two, and six large ones", function(peer)
        peer:send((hints(10):rep(26)), (hints(10000):rep(6)), frames.response(1, 200),
            frames.data(1, "", frames.END_STREAM))
    end)
end)
