local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local payload = require("spec.support.payload")

describe("RFC 9218 7.1, PRIORITY_UPDATE: a server", function()
    local world = conformance.server()

    world.ends_connection("on a stream", "PROTOCOL_ERROR",
        frames.post(1) .. frames.priority_update(1, "u=1", 1))
    world.ends_connection("for stream 0", "PROTOCOL_ERROR", frames.priority_update(0, "u=1"))
    world.ends_connection("too short", "FRAME_SIZE_ERROR",
        frames.frame(frames.PRIORITY_UPDATE, 0, 0, "\0\0\0"))
    world.ends_connection("for a push that was never promised", "PROTOCOL_ERROR",
        frames.priority_update(2, "u=1"))

    world.accepts("one for a stream to come", frames.priority_update(1, "u=1, i"))
    world.accepts("values that mean nothing", frames.post(1)
        .. frames.priority_update(1, "\"") .. frames.priority_update(1, "u=99, i=3")
        .. frames.priority_update(1, ""))
    world.accepts("one for a stream that is closed", function(peer)
        peer:send(frames.get(1))
        peer:await_answer(1)
        peer:send(frames.priority_update(1, "u=0"))
    end)
end)

describe("RFC 9218 10, the order of sending: a server", function()
    local world = conformance.server()

    -- Answers each request with 30000 octets once all have come. Gives the streams in the order in
    -- which their bodies ended, and how often DATA changed from one stream to another.
    local function order_of(count, octets)
        local waiting = {}
        world.handler = function(stream)
            waiting[#waiting + 1] = stream
            if #waiting == count then
                for _, each in ipairs(waiting) do
                    each:respond()
                    each:finish(payload.make(30000))
                end
            end
        end
        local peer = world.connect({{frames.INITIAL_WINDOW_SIZE, 1000000}})
        peer:await_settings_ack()
        peer:send(octets, frames.window_update(0, 1000000))
        local order, changes, last = {}, 0, nil
        while #order < count do
            local frame = peer:await_frame(frames.DATA)
            if frame.id ~= last then
                changes, last = changes + 1, frame.id
            end
            if frames.has(frame, frames.END_STREAM) then
                order[#order + 1] = frame.id
            end
        end
        return order, changes
    end

    local function get(id, priority)
        return frames.get(id, "/", {"priority", priority})
    end

    it("goes by urgency", function()
        assert.same({5, 3, 1}, (order_of(3, get(1, "u=7") .. get(3, "u=3") .. get(5, "u=0"))))
    end)

    it("sends one after the other what says that it is not incremental", function()
        local order, changes = order_of(3, get(1, "u=3") .. get(3, "u=3") .. get(5, "u=3"))
        assert.same({1, 3, 5}, order)
        assert.equal(3, changes)
    end)

    it("takes turns with what is incremental", function()
        local _, changes = order_of(3, get(1, "i") .. get(3, "i") .. get(5, "i"))
        assert.is_true(changes > 3)
    end)

    it("takes turns with what says nothing, so that small answers do not wait", function()
        local _, changes = order_of(3, frames.get(1) .. frames.get(3) .. frames.get(5))
        assert.is_true(changes > 3)
    end)

    it("goes by PRIORITY_UPDATE, which may come before its request", function()
        assert.same({3, 1}, (order_of(2,
            frames.priority_update(3, "u=0") .. frames.get(1) .. frames.get(3))))
        assert.same({3, 1}, (order_of(2,
            get(1, "u=1") .. frames.priority_update(1, "u=6") .. get(3, "u=5"))))
    end)
end)
