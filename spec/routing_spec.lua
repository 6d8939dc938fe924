-- Where an error goes that nobody caught (LUA-API.md, "Errors").
local http2 = require("http2")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local process = require("spec.support.process")
local timers = require("http2.timers")

-- Two requests at once to a server whose handler for /bad fails by `fail(stream)`. Gives what the
-- client and the server's handlerError listener saw.
local function fail_one_of_two(fail, method)
    local view = {errors = {}, blamed = {}, bad = {}, good = {}}
    local left = 2
    pair.play{
        handler_error = function(err, stream)
            view.errors[#view.errors + 1] = err
            view.blamed[#view.blamed + 1] = stream
        end,
        server = function(server)
            server:on("stream", function(stream, headers)
                if headers[":path"] == "/bad" then
                    view.stream = stream
                    fail(stream)
                else
                    stream:respond()
                    stream:finish("fine")
                end
            end)
        end,
        client = function(session)
            local function request(path, into)
                local stream = session:request({[":path"] = path, [":method"] = method or "GET"})
                stream:on("error", function(err)
                    into.err = err
                end)
                pair.collect(stream, function(body)
                    into.body = body
                end)
                stream:on("close", function()
                    into.code = stream.rstCode
                    left = left - 1
                    if left == 0 then
                        session:close()
                    end
                end)
                stream:finish(method and "some body")
            end
            request("/bad", view.bad)
            request("/good", view.good)
        end,
    }
    return view
end

local function assert_only_the_bad_one_failed(view)
    assert.equal(2, view.bad.code)
    assert.equal("ERR_HTTP2_STREAM_ERROR", view.bad.err.code)
    assert.equal(0, view.good.code)
    assert.equal("fine", view.good.body)
    assert.equal(1, #view.errors)
    assert.equal(view.stream, view.blamed[1])
end

describe("an error in a server's stream listener", function()
    after_each(loop.clean)

    it("closes that stream alone and reaches handlerError", function()
        local view = fail_one_of_two(function()
            error("the handler broke", 0)
        end)
        assert_only_the_bad_one_failed(view)
        assert.truthy(tostring(view.errors[1]):find("the handler broke", 1, true))
    end)

    it("keeps its value when it is a table", function()
        local mine = {reason = "mine"}
        local view = fail_one_of_two(function()
            error(mine)
        end)
        assert_only_the_bad_one_failed(view)
        assert.equal(mine, view.errors[1])
    end)

    it("closes the stream also after it has responded", function()
        local view = fail_one_of_two(function(stream)
            stream:respond()
            stream:write("some")
            error("too late for another status", 0)
        end)
        assert_only_the_bad_one_failed(view)
    end)

    it("of the wrong call of a method is treated like any other", function()
        local view = fail_one_of_two(function(stream)
            stream:respond({connection = "close"})
        end)
        assert_only_the_bad_one_failed(view)
        assert.equal("ERR_HTTP2_INVALID_CONNECTION_HEADERS", view.errors[1].code)
    end)
end)

describe("an error in what a server's stream calls back", function()
    after_each(loop.clean)

    it("closes that stream alone: a data listener", function()
        assert_only_the_bad_one_failed(fail_one_of_two(function(stream)
            stream:on("data", function()
                error("in data", 0)
            end)
        end, "POST"))
    end)

    it("closes that stream alone: an end listener", function()
        assert_only_the_bad_one_failed(fail_one_of_two(function(stream)
            stream:resume()
            stream:on("end", function()
                error("in end", 0)
            end)
        end, "POST"))
    end)

    it("closes that stream alone: the callback of a write", function()
        assert_only_the_bad_one_failed(fail_one_of_two(function(stream)
            stream:respond()
            stream:write("x", function()
                error("in the callback", 0)
            end)
        end))
    end)

    it("closes that stream alone: an error event without a listener", function()
        local view = fail_one_of_two(function(stream)
            stream:destroy("given up")
        end)
        assert_only_the_bad_one_failed(view)
        assert.equal("given up", view.errors[1].message)
    end)
end)

describe("an error that no handlerError listener takes", function()
    local script = [[
        local http2 = require("http2")
        local server = http2.createServer()
        local function what_breaks()
            error("it broke")
        end
        server:on("stream", function()
            what_breaks()
        end)
        server:listen(0, "127.0.0.1", function()
            local session = http2.connect("http://127.0.0.1:" .. server:address().port)
            local stream = session:request()
            stream:on("error", function() end)
            stream:on("close", function()
                session:close()
                server:close()
            end)
        end)
        http2.run()
        print("the loop ended in order")
    ]]

    it("goes to standard error with its traceback", function()
        local result = process.run({process.interpreter(), "-e", script}, {ours = true})
        assert.equal(0, result.status, result.err)
        assert.equal("the loop ended in order\n", result.out)
        assert.truthy(result.err:find("it broke", 1, true), result.err)
        assert.truthy(result.err:find("stack traceback", 1, true), result.err)
        assert.truthy(result.err:find("what_breaks", 1, true), result.err)
    end)
end)

describe("an error anywhere else", function()
    after_each(loop.clean)

    local function run_with_client(client)
        return pcall(pair.play, {
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond()
                    stream:finish("x")
                end)
            end,
            client = client,
        })
    end

    it("in a client's listener stops http2.run, which raises it", function()
        local mine = {mine = true}
        local ok, err = run_with_client(function(session)
            session:request():on("response", function()
                error(mine)
            end)
        end)
        assert.is_false(ok)
        assert.equal(mine, err)
    end)

    it("keeps its message and has the traceback", function()
        local ok, err = run_with_client(function(session)
            local function what_breaks()
                error("out of luck")
            end
            session:on("connect", function()
                what_breaks()
            end)
        end)
        assert.is_false(ok)
        assert.truthy(tostring(err):find("out of luck", 1, true))
        assert.truthy(tostring(err):find("what_breaks", 1, true))
    end)

    it("in a timer stops http2.run, which can be run again", function()
        local calls = 0
        timers.setTimeout(function()
            error("once", 0)
        end, 1)
        timers.setTimeout(function()
            calls = calls + 1
        end, 5)
        local ok, err = pcall(http2.run)
        assert.is_false(ok)
        assert.truthy(tostring(err):find("once", 1, true))
        loop.run()
        assert.equal(1, calls)
    end)

    it("that is an error event without a listener is raised as it is", function()
        local port = process.refusing_port()
        loop.track(http2.connect("http://127.0.0.1:" .. port))
        local ok, err = pcall(http2.run)
        assert.is_false(ok)
        assert.is_true(http2.isError(err))
        assert.equal("ECONNREFUSED", err.code)
    end)

    it("on a server's session is told to sessionError, and kills nothing", function()
        local told
        pair.play{
            server = function(server)
                server:on("sessionError", function(err)
                    told = err
                end)
                server:on("session", function(session)
                    session:on("connect", function()
                        session:destroy("bad session")
                    end)
                end)
            end,
            client = function(session)
                session:on("error", function() end)
            end,
        }
        assert.equal("bad session", told.message)
    end)
end)

describe("running the loop inside the loop", function()
    it("is an error", function()
        local ok, err
        timers.setTimeout(function()
            ok, err = pcall(http2.run)
        end, 1)
        loop.run()
        assert.is_false(ok)
        assert.truthy(tostring(err):find("run", 1, true))
    end)
end)
