-- AbortController, AbortSignal, and requests that end with them.
local http2 = require("http2")
local expect = require("spec.support.expect")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local timers = require("http2.timers")

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

describe("an AbortController", function()
    it("has a signal that it aborts once", function()
        local expected = expect.new()
        local controller = http2.AbortController()
        local signal = controller.signal
        assert.is_false(signal.aborted)
        assert.is_nil(signal.reason)
        signal:throwIfAborted()
        signal:on("abort", expected("abort"))
        controller:abort()
        controller:abort("later")
        assert.is_true(signal.aborted)
        assert.equal("AbortError", signal.reason.name)
        assert.equal("ABORT_ERR", signal.reason.code)
        assert.equal("ABORT_ERR", raised_code(signal.throwIfAborted, signal))
        expected:verify()
    end)

    it("keeps the reason it is given", function()
        local controller = http2.AbortController()
        controller:abort("enough")
        assert.equal("enough", controller.signal.reason)
    end)

    it("has signals that are aborted already, by time, or with others", function()
        assert.is_true(http2.AbortSignal.abort("x").aborted)
        local timed = http2.AbortSignal.timeout(5)
        local controller = http2.AbortController()
        local any = http2.AbortSignal.any{controller.signal, timed}
        assert.is_true(http2.AbortSignal.any{http2.AbortSignal.abort()}.aborted)
        after(20, function() end)
        loop.run()
        assert.is_true(timed.aborted)
        assert.equal("TimeoutError", timed.reason.name)
        assert.is_true(any.aborted)
        assert.equal(timed.reason, any.reason)
        loop.clean()
    end)
end)

describe("the option signal of request", function()
    after_each(loop.clean)

    -- One request with the signal of `controller`; gives what both sides saw.
    local function play(controller, when)
        local log, err, cause = {}, nil, nil
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    pair.log(log, "server ", stream, {"aborted", "error"})
                    stream:on("close", function()
                        log[#log + 1] = "server close " .. stream.rstCode
                    end)
                    stream:respond()
                    stream:write("part")
                end)
            end,
            client = function(session, server)
                local stream = session:request({[":path"] = "/"}, {signal = controller.signal})
                pair.log(log, "client ", stream, {"aborted", "end"})
                stream:on("error", function(e)
                    err, cause = e, e.cause
                end)
                stream:on("close", function()
                    log[#log + 1] = "client close " .. stream.rstCode
                    session:close()
                end)
                when(stream, session, server)
            end,
        }
        table.sort(log)
        return log, err, cause
    end

    it("ends the stream with CANCEL and an AbortError that has the cause", function()
        local controller = http2.AbortController()
        local log, err, cause = play(controller, function(stream)
            stream:on("data", function()
                controller:abort("enough")
            end)
        end)
        assert.equal("AbortError", err.name)
        assert.equal("ABORT_ERR", err.code)
        assert.equal("enough", cause)
        assert.same({"client close 8", "server aborted", "server close 8"}, log)
    end)

    it("sends nothing when it is aborted before the connection stands", function()
        local controller = http2.AbortController()
        local id
        local log, err = play(controller, function(stream)
            controller:abort()
            assert.is_true(stream.destroyed)
            id = stream.id
        end)
        assert.is_nil(id)
        assert.equal("ABORT_ERR", err.code)
        assert.same({"client close 8"}, log)
    end)

    it("gives a destroyed stream for a signal that is aborted already", function()
        local controller = http2.AbortController()
        controller:abort()
        local log, err = play(controller, function(stream)
            assert.is_true(stream.destroyed)
            assert.is_true(stream.pending)
        end)
        assert.equal("ABORT_ERR", err.code)
        assert.same({"client close 8"}, log)
    end)

    it("takes any object with `aborted` and the event", function()
        local listeners = {}
        local signal = {
            aborted = false,
            on = function(_, name, fn)
                listeners[name] = fn
            end,
            off = function(_, name, fn)
                assert.equal(listeners[name], fn)
                listeners[name] = nil
            end,
        }
        local _, err = play({signal = signal}, function(stream)
            stream:on("response", function()
                signal.aborted = true
                listeners.abort()
            end)
        end)
        assert.equal("ABORT_ERR", err.code)
        assert.is_nil(next(listeners))
    end)

    it("does not keep streams that have ended", function()
        local controller = http2.AbortController()
        local watch = leaks.watch()
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond({}, {endStream = true})
                end)
            end,
            client = function(session)
                local left = 5
                for _ = 1, 5 do
                    local stream = session:request(nil, {signal = controller.signal})
                    watch(stream):resume():on("close", function()
                        left = left - 1
                        if left == 0 then
                            session:close()
                        end
                    end)
                end
            end,
        }
        assert.equal(0, controller.signal:listenerCount("abort"))
        assert.equal(0, watch.alive())
        controller:abort()
    end)

    it("ignores false and raises for what is no signal, before a stream is made", function()
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond({}, {endStream = true})
                end)
            end,
            client = function(session)
                for _, wrong in ipairs{1, "x", {}, {aborted = 1}, {aborted = false}, print} do
                    assert.equal("ERR_INVALID_ARG_TYPE",
                        raised_code(session.request, session, {}, {signal = wrong}))
                end
                session:request({}, {signal = false}):resume():on("close", function()
                    session:close()
                end)
            end,
        }
    end)
end)
