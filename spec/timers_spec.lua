local http2 = require("http2")
local pace = require("spec.support.pace")
local timers = require("http2.timers")

local setTimeout, setInterval, setImmediate = timers.setTimeout, timers.setInterval,
    timers.setImmediate

describe("timers", function()
    local calls

    local function note(name)
        calls[#calls + 1] = name
    end

    before_each(function()
        calls = {}
    end)

    it("call their function with the arguments, nils included", function()
        local count, last
        setTimeout(function(...)
            count, last = select("#", ...), select(-1, ...)
        end, 1, nil, "x", nil, 7)
        assert.is_false(http2.run())
        assert.equal(4, count)
        assert.equal(7, last)
    end)

    it("come in the order of their times", function()
        pace.try(function(unit)
            calls = {}
            setTimeout(note, 4 * unit, "late")
            setTimeout(note, unit, "early")
            setTimeout(note, unit, "early too")
            http2.run()
            assert.same({"early", "early too", "late"}, calls)
        end)
    end)

    it("wait at least one millisecond, whatever is asked for", function()
        for _, delay in ipairs{0, -1, 0 / 0, math.huge, "x", 2 ^ 31} do
            setTimeout(note, delay, "done")
        end
        setTimeout(note, nil, "done")
        http2.run()
        assert.equal(7, #calls)
    end)

    it("repeat until they are cleared, also from within", function()
        local interval
        interval = setInterval(function()
            note("tick")
            if #calls == 3 then
                timers.clearInterval(interval)
            end
        end, 1)
        http2.run()
        assert.same({"tick", "tick", "tick"}, calls)
    end)

    it("do not come when they have been cleared", function()
        timers.clearTimeout(setTimeout(note, 1, "never"))
        timers.clearImmediate(setImmediate(note, "never"))
        setTimeout(note, 1, "never"):close()
        timers.clearTimeout(nil)
        timers.clearTimeout("no timer")
        http2.run()
        assert.same({}, calls)
    end)

    it("run immediates before timers that are due later, in order", function()
        pace.try(function(unit)
            calls = {}
            setTimeout(note, unit, "timer")
            setImmediate(function()
                note("first")
                setImmediate(note, "third")
            end)
            setImmediate(note, "second")
            http2.run()
            assert.same({"first", "second", "third", "timer"}, calls)
        end)
    end)

    it("keep the loop alive unless they are unreferenced", function()
        local timer = setTimeout(note, 10000, "never"):unref()
        assert.is_false(timer:hasRef())
        assert.is_false(http2.run())
        assert.is_true(timer:ref():hasRef())
        assert.is_true(http2.run("nowait"))
        timer:close()
        assert.is_false(http2.run())
        assert.same({}, calls)
    end)

    it("start anew with refresh(), also when they have fired", function()
        local timer
        timer = setTimeout(function()
            note("fired")
            if #calls < 3 then
                timer:refresh()
            end
        end, 1)
        http2.run()
        assert.equal(3, #calls)
        timer:refresh()
        http2.run()
        assert.equal(4, #calls)
        timers.clearTimeout(timer)
        timer:refresh()
        http2.run()
        assert.equal(4, #calls)
    end)

    it("live while they run and are collected afterwards", function()
        local watched = setmetatable({}, {__mode = "k"})
        for _ = 1, 10 do
            watched[setTimeout(note, 1, "done")] = true
        end
        collectgarbage()
        http2.run()
        assert.equal(10, #calls)
        collectgarbage()
        collectgarbage()
        assert.is_nil(next(watched))
    end)

    it("refuse what is no function", function()
        local ok, err = pcall(setTimeout, "print", 1)
        assert.is_false(ok)
        assert.equal("ERR_INVALID_ARG_TYPE", err.code)
    end)
end)

describe("the loop", function()
    it("runs one turn or none when asked to", function()
        pace.try(function(unit)
            local called = false
            setTimeout(function()
                called = true
            end, unit)
            assert.is_true(http2.run("nowait"))
            assert.is_false(called)
            local turns = 0
            while http2.run("once") do
                turns = turns + 1
            end
            assert.is_true(called)
            assert.is_true(turns < 10)
        end)
    end)

    it("is driven by a host through its descriptor and timeout", function()
        pace.try(function(unit)
            local called = false
            setTimeout(function()
                called = true
            end, unit)
            http2.run("nowait")
            assert.is_true(http2.backendFd() >= 0)
            local timeout = http2.backendTimeout()
            assert.is_true(timeout > 0 and timeout <= unit)
            http2.run()
            assert.is_true(called)
            assert.equal(-1, http2.backendTimeout())
        end)
    end)

    it("does not run within itself", function()
        local ok, err
        setImmediate(function()
            ok, err = pcall(http2.run)
        end)
        http2.run()
        assert.is_false(ok)
        assert.equal("ERR_LOOP_RUNNING", err.code)
    end)

    it("refuses a mode it does not know", function()
        for _, mode in ipairs{"for ever", {}} do
            local ok, err = pcall(http2.run, mode)
            assert.is_false(ok)
            assert.equal("ERR_INVALID_ARG_VALUE", err.code)
        end
    end)

    it("runs in a coroutine, and in another one after that", function()
        local calls = 0
        local function count()
            calls = calls + 1
        end
        for _ = 1, 2 do
            setImmediate(count)
            assert(coroutine.resume(coroutine.create(http2.run)))
            collectgarbage()
        end
        setImmediate(count)
        http2.run()
        assert.equal(3, calls)
    end)
end)
