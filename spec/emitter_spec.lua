local EventEmitter = require("http2_core").EventEmitter

describe("an emitter", function()
    local emitter, calls

    -- A listener that notes its name and arguments.
    local function noting(name)
        return function(...)
            local call = {name, ...}
            calls[#calls + 1] = table.concat(call, " ")
        end
    end

    before_each(function()
        emitter, calls = EventEmitter(), {}
    end)

    it("calls listeners in the order they were added, with the arguments alone", function()
        emitter:on("data", noting("a")):addListener("data", noting("b"))
        assert.is_true(emitter:emit("data", 1, 2))
        assert.same({"a 1 2", "b 1 2"}, calls)
    end)

    it("knows events of any name", function()
        emitter:on("something of the program's", noting("a"))
        local key = {}
        emitter:on(key, noting("b"))
        assert.is_true(emitter:emit("something of the program's"))
        assert.is_true(emitter:emit(key))
        assert.same({"a", "b"}, calls)
    end)

    it("tells whether there was a listener", function()
        assert.is_false(emitter:emit("data"))
        assert.is_false(emitter:emit("unheard of"))
        emitter:on("data", noting("a"))
        assert.is_true(emitter:emit("data"))
    end)

    it("passes nils through", function()
        local count
        emitter:on("data", function(...)
            count = select("#", ...)
        end)
        emitter:emit("data", nil, 1, nil)
        assert.equal(3, count)
    end)

    it("calls what once() added one time", function()
        emitter:once("data", noting("a"))
        emitter:once("data", noting("b"))
        emitter:emit("data")
        assert.is_false(emitter:emit("data"))
        assert.same({"a", "b"}, calls)
    end)

    it("takes a once() listener out before it calls it", function()
        emitter:once("data", function()
            calls[#calls + 1] = emitter:listenerCount("data")
            emitter:emit("data")
        end)
        emitter:emit("data")
        assert.same({0}, calls)
    end)

    it("calls a once() listener one time though the event is emitted within itself", function()
        emitter:on("data", function()
            if #calls == 0 then
                calls[1] = "outer"
                emitter:emit("data")
            end
        end)
        emitter:once("data", noting("once"))
        emitter:emit("data")
        assert.same({"outer", "once"}, calls)
    end)

    it("puts prepended listeners first", function()
        emitter:on("data", noting("a"))
        emitter:prependListener("data", noting("b"))
        emitter:prependOnceListener("data", noting("c"))
        emitter:emit("data")
        emitter:emit("data")
        assert.same({"c", "b", "a", "b", "a"}, calls)
    end)

    it("still calls a listener that is removed in the round that emits", function()
        local second = noting("second")
        emitter:on("data", function()
            emitter:off("data", second)
        end)
        emitter:on("data", second)
        emitter:emit("data")
        emitter:emit("data")
        assert.same({"second"}, calls)
    end)

    it("does not call a listener that is added in the round that emits", function()
        emitter:on("data", noting("first"))
        emitter:on("data", function()
            emitter:on("data", noting("late"))
        end)
        emitter:emit("data")
        assert.same({"first"}, calls)
        emitter:emit("data")
        assert.same({"first", "first", "late"}, calls)
    end)

    it("survives that all listeners are removed while the event is emitted", function()
        emitter:on("data", function()
            emitter:removeAllListeners()
            collectgarbage()
        end)
        emitter:on("data", noting("second"))
        emitter:emit("data")
        assert.same({"second"}, calls)
        assert.is_false(emitter:emit("data"))
    end)

    it("takes the same function twice, and removes the one added last", function()
        local twice = noting("twice")
        emitter:on("data", twice)
        emitter:on("data", noting("other"))
        emitter:on("data", twice)
        emitter:removeListener("data", twice)
        emitter:emit("data")
        assert.same({"twice", "other"}, calls)
    end)

    it("removes a once() listener by its function", function()
        local fn = noting("a")
        emitter:once("data", fn)
        emitter:off("data", fn)
        emitter:off("data", fn)
        assert.is_false(emitter:emit("data"))
    end)

    it("gives listeners, counts and names", function()
        local a, b = noting("a"), noting("b")
        emitter:on("data", a)
        emitter:once("data", b)
        emitter:on("own", a)
        assert.same({a, b}, emitter:listeners("data"))
        assert.same({a}, emitter:listeners("own"))
        assert.same({}, emitter:listeners("end"))
        assert.equal(2, emitter:listenerCount("data"))
        assert.equal(0, emitter:listenerCount("end"))
        assert.same({"data", "own"}, emitter:eventNames())
        emitter:removeAllListeners("data")
        assert.same({"own"}, emitter:eventNames())
    end)

    it("hands out copies of its listeners", function()
        emitter:on("data", noting("a"))
        table.remove(emitter:listeners("data"))
        assert.equal(1, emitter:listenerCount("data"))
    end)

    it("announces listeners before it adds them and after it has removed them", function()
        local fn = noting("fn")
        emitter:on("newListener", function(name, listener)
            calls[#calls + 1] = "new " .. name .. emitter:listenerCount(name)
            assert.is_function(listener)
        end)
        emitter:on("removeListener", function(name, listener)
            calls[#calls + 1] = "removed " .. name .. emitter:listenerCount(name)
            assert.equal(fn, listener)
        end)
        emitter:once("data", fn)
        emitter:on("own", fn)
        emitter:emit("data")
        emitter:removeAllListeners("own")
        assert.same({"new removeListener0", "new data0", "new own0", "removed data0", "fn",
            "removed own0"}, calls)
    end)

    it("lets an error of a listener through, and is whole afterwards", function()
        emitter:on("data", function()
            error("oh", 0)
        end)
        emitter:on("data", noting("second"))
        assert.has_error(function()
            emitter:emit("data")
        end, "oh")
        assert.equal(2, emitter:listenerCount("data"))
    end)

    it("refuses a listener that is no function", function()
        for _, method in ipairs{"on", "once", "off", "prependListener"} do
            local ok, err = pcall(emitter[method], emitter, "data", {})
            assert.is_false(ok)
            assert.equal("ERR_INVALID_ARG_TYPE", err.code)
        end
        assert.same({}, emitter:eventNames())
    end)

    it("raises an error event that nobody hears", function()
        local ok, err = pcall(emitter.emit, emitter, "error", "why")
        assert.is_false(ok)
        assert.equal("ERR_UNHANDLED_ERROR", err.code)
        assert.equal("why", err.context)
        emitter:on("error", noting("error"))
        emitter:emit("error", "why")
        assert.same({"error why"}, calls)
    end)

    it("refuses to be something else", function()
        local ok, err = pcall(emitter.on, {}, "data", print)
        assert.is_false(ok)
        assert.equal("ERR_INVALID_THIS", err.code)
    end)

    it("keeps the program's own fields", function()
        assert.is_nil(emitter.mine)
        emitter.mine = {1}
        assert.same({1}, emitter.mine)
        emitter.mine = nil
        assert.is_nil(emitter.mine)
    end)

    it("lets the program replace a method on one object", function()
        local other = EventEmitter()
        emitter.on = function()
            return "mine"
        end
        assert.equal("mine", emitter:on("data", print))
        assert.equal(other, other:on("data", print))
    end)

    it("is collected though a listener mentions it", function()
        local watched = setmetatable({}, {__mode = "k"})
        for _ = 1, 10 do
            local one = EventEmitter()
            one:on("data", function()
                return one
            end)
            watched[one] = true
        end
        collectgarbage()
        collectgarbage()
        assert.is_nil(next(watched))
    end)

    it("calls many listeners with many arguments", function()
        local sum, arguments = 0, {}
        for i = 1, 200 do
            arguments[i] = i
        end
        for _ = 1, 300 do
            emitter:on("data", function(...)
                sum = sum + select("#", ...)
            end)
        end
        emitter:emit("data", (table.unpack or unpack)(arguments)) -- luacheck: ignore 113
        assert.equal(60000, sum)
    end)
end)
