local http2 = require("http2")
local net = require("http2.net")
local pace = require("spec.support.pace")
local timers = require("http2.timers")

local function raised_by(fn, ...)
    local ok, err = pcall(fn, ...)
    assert.is_false(ok)
    return err
end

describe("an error object", function()
    it("has Node's fields and text", function()
        local err = raised_by(net.Socket().write, net.Socket(), nil)
        assert.equal("TypeError", err.name)
        assert.equal("ERR_STREAM_NULL_VALUES", err.code)
        assert.is_string(err.message)
        assert.equal("TypeError [ERR_STREAM_NULL_VALUES]: " .. err.message, tostring(err))
        assert.is_true(http2.isError(err))
    end)

    it("is told from all else", function()
        for _, value in ipairs{"text", 1, true, {}, {code = "ERR_X", message = "m"},
            setmetatable({}, {__tostring = tostring}), print} do
            assert.is_false(http2.isError(value))
        end
        assert.is_false(http2.isError(nil))
    end)

    it("knows where it was raised, and does not say so in its message", function()
        local err = raised_by(function()
            net.Socket():write({})
        end)
        assert.matches("error_spec%.lua:%d+$", err.where)
        assert.not_matches("error_spec", err.message)
    end)

    it("names argument, expectation and what was received", function()
        local socket = net.Socket()
        local cases = {
            {"type number (1)", 1},
            {"type boolean (true)", true},
            {"a table", {}},
            {"an instance of Socket", socket},
            {"a function", print},
        }
        for _, case in ipairs(cases) do
            local err = raised_by(socket.write, socket, case[2])
            assert.equal("ERR_INVALID_ARG_TYPE", err.code)
            assert.equal('The "chunk" argument must be of type string. Received ' .. case[1],
                err.message)
        end
        local err = raised_by(socket.on, socket, "data", "no function")
        assert.equal('The "listener" argument must be of type function. '
            .. "Received type string ('no function')", err.message)
    end)

    it("names the range and the value that is out of it", function()
        local socket = net.Socket()
        for _, value in ipairs{-1, 1 / 0, 0 / 0} do
            local err = raised_by(socket.setTimeout, socket, value)
            assert.equal("RangeError", err.name)
            assert.equal("ERR_OUT_OF_RANGE", err.code)
            assert.matches("non%-negative finite number", err.message)
        end
        assert.equal("ERR_INVALID_ARG_TYPE", raised_by(socket.setTimeout, socket, "5").code)
        assert.equal("ERR_OUT_OF_RANGE", raised_by(socket.read, socket, 1.5).code)
    end)

    it("takes floats with an integer value for integers", function()
        assert.is_nil(net.Socket():read(2.0))
    end)

    it("wraps what is no error object", function()
        local socket, err = net.Socket(), nil
        local cause = setmetatable({}, {__tostring = function()
            return "my reason"
        end})
        socket:on("error", function(e)
            err = e
        end)
        socket:destroy(cause)
        http2.run()
        assert.is_true(http2.isError(err))
        assert.equal("my reason", err.message)
        assert.equal(cause, err.cause)
    end)
end)

describe("an error that nobody catches", function()
    after_each(function()
        http2.onUncaught(nil)
    end)

    it("stops run, which raises it: text with its traceback", function()
        local function fails()
            error("in a timer")
        end
        timers.setImmediate(fails)
        local err = raised_by(http2.run)
        assert.matches("error_spec%.lua:%d+: in a timer\nstack traceback:\n", err)
    end)

    it("stops run, which raises it: the very table, with its traceback in a field", function()
        local mine = {}
        timers.setImmediate(error, mine)
        assert.equal(mine, raised_by(http2.run))
        assert.matches("stack traceback", mine.traceback)
    end)

    it("keeps values that are neither text nor table", function()
        for _, value in ipairs{42, true, print} do
            timers.setImmediate(error, value, 0)
            assert.equal(value, raised_by(http2.run))
        end
    end)

    it("has the place of raising in front of its traceback", function()
        timers.setImmediate(function()
            net.Socket():write(1)
        end)
        local err = raised_by(http2.run)
        assert.equal(1, err.traceback:find(err.where .. ": TypeError [ERR_INVALID_ARG_TYPE]: ",
            1, true))
    end)

    it("leaves what is due to the next run", function()
        pace.try(function(unit)
            local called = false
            timers.setImmediate(error, "first", 0)
            timers.setTimeout(function()
                called = true
            end, unit)
            assert.matches("^first", raised_by(http2.run))
            assert.is_false(called)
            http2.run()
            assert.is_true(called)
        end)
    end)

    it("is raised for an error event without a listener, and close follows", function()
        local closed = false
        local socket = net.Socket()
        socket:on("close", function()
            closed = true
        end)
        socket:destroy("reason")
        assert.equal("reason", raised_by(http2.run).message)
        http2.run()
        assert.is_true(closed)
    end)

    it("goes to onUncaught's function where there is one, and the loop runs on", function()
        local seen = {}
        http2.onUncaught(function(err)
            seen[#seen + 1] = err
        end)
        timers.setImmediate(error, "one", 0)
        timers.setTimeout(error, 1, "two", 0)
        http2.run()
        assert.equal(2, #seen)
        assert.matches("^one\nstack traceback", seen[1])
        assert.matches("^two\nstack traceback", seen[2])
    end)

    it("is raised if onUncaught's function fails too", function()
        http2.onUncaught(function()
            error("the handler's own", 0)
        end)
        timers.setImmediate(error, "first")
        assert.matches("^the handler's own", raised_by(http2.run))
    end)

    it("is refused as a handler if it is no function", function()
        assert.equal("ERR_INVALID_ARG_TYPE", raised_by(http2.onUncaught, "print").code)
    end)

    it("may be a yield, which cannot cross the loop", function()
        timers.setImmediate(coroutine.yield)
        assert.is_string(raised_by(http2.run))
    end)
end)

describe("the constants", function()
    it("are Node's names and values", function()
        local constants = http2.constants
        assert.equal(8, constants.NGHTTP2_CANCEL)
        assert.equal(2147483647, constants.MAX_INITIAL_WINDOW_SIZE)
        assert.equal("content-type", constants.HTTP2_HEADER_CONTENT_TYPE)
        assert.equal("GET", constants.HTTP2_METHOD_GET)
        assert.equal(418, constants.HTTP_STATUS_TEAPOT)
        assert.equal(-508, constants.NGHTTP2_ERR_DEFERRED)
        assert.is_nil(constants.NO_SUCH_NAME)
    end)

    it("cannot be changed", function()
        assert.has_error(function()
            http2.constants.NGHTTP2_CANCEL = 1
        end)
        assert.equal(8, http2.constants.NGHTTP2_CANCEL)
    end)

    it("can be listed where Lua knows __pairs", function()
        if _VERSION == "Lua 5.1" then
            return
        end
        local count = 0
        for name in pairs(http2.constants) do
            assert.not_equal("NGHTTP2_ERR_DEFERRED", name)
            count = count + 1
        end
        assert.equal(240, count)
    end)
end)
