-- setTimeout of streams.
local expect = require("spec.support.expect")
local loop = require("spec.support.loop")
local pace = require("spec.support.pace")
local payload = require("spec.support.payload")
local raised_code = require("spec.support.raised")
local scene = require("spec.support.stream_scene")

local after, answer, exchange, post = scene.after, scene.answer, scene.play, scene.post

describe("setTimeout of a stream", function()
    after_each(loop.clean)

    it("tells of each idle period, closes nothing, and calls back once", function()
        local expected = expect.new()
        local count = 0
        exchange(function(stream)
            assert.equal(stream, stream:setTimeout(20, expected("callback")))
            stream:on("timeout", function()
                count = count + 1
                if count == 1 then
                    stream:setTimeout(20)
                else
                    stream:setTimeout(0)
                    answer(stream)
                end
            end)
        end)
        expected:verify()
        assert.equal(2, count)
    end)

    -- Writes six times, with less than the timeout between them, and then ends the stream.
    local function write_slowly(stream, unit)
        for i = 1, 6 do
            after(unit * i, function()
                stream:write("x")
            end)
        end
        after(unit * 7, function()
            stream:finish()
        end)
    end

    it("is put off by what it sends", function()
        pace.try(function(unit)
            local timeouts = 0
            local here = exchange(function(stream)
                stream:setTimeout(3 * unit)
                stream:on("timeout", function()
                    timeouts = timeouts + 1
                end)
                stream:respond()
                write_slowly(stream, unit)
            end)
            assert.equal("xxxxxx", here.body)
            assert.equal(0, timeouts)
        end)
    end)

    it("is put off by what it receives", function()
        pace.try(function(unit)
            local timeouts = 0
            exchange(function(stream)
                stream:setTimeout(3 * unit)
                stream:on("timeout", function()
                    timeouts = timeouts + 1
                end)
                stream:resume():on("end", function()
                    answer(stream)
                end)
            end, post, function(stream)
                write_slowly(stream, unit)
                stream:resume()
            end)
            assert.equal(0, timeouts)
        end)
    end)

    it("is put off while what was written still moves", function()
        pace.try(function(unit)
            local timeouts = 0
            exchange(function(stream)
                stream:respond()
                stream:setTimeout(3 * unit, function()
                    timeouts = timeouts + 1
                end)
                stream:finish(payload.make(20000))
            end, nil, function(stream)
                -- Reads a little at a time, so that a window's worth comes after the other.
                local function read_some()
                    if stream:read(2000) or not stream.readableEnded then
                        after(unit, read_some)
                    end
                end
                stream:on("readable", function() end)
                stream:on("response", read_some)
            end, {client_options = {settings = {initialWindowSize = 2000}}})
            assert.equal(0, timeouts)
        end)
    end)

    it("is turned off by 0, and by the stream's end", function()
        local late = 0
        local _, there = exchange(function(stream)
            stream:setTimeout(10, function()
                late = late + 1
            end)
            stream:setTimeout(0)
            after(30, function()
                stream:setTimeout(30)
                stream:on("timeout", function()
                    late = late + (stream.destroyed and 1 or 0)
                end)
                answer(stream)
            end)
        end)
        there.stream:setTimeout(10, function()
            late = late + 1
        end)
        after(60, function() end)
        loop.run()
        assert.equal(0, late)
    end)

    it("raises for a wrong call", function()
        exchange(function(stream)
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.setTimeout, stream))
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.setTimeout, stream, "1"))
            for _, wrong in ipairs{-1, 0 / 0, math.huge} do
                assert.equal("ERR_OUT_OF_RANGE", raised_code(stream.setTimeout, stream, wrong))
            end
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.setTimeout, stream, 1, "fn"))
            answer(stream)
        end)
    end)
end)
