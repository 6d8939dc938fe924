-- Coroutines: spawn, sleep, methods that wait, handlers that wait, and where their errors go.
local http2 = require("http2")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local process = require("spec.support.process")
local raised_code = require("spec.support.raised")
local timers = require("http2.timers")

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

describe("http2.spawn", function()
    after_each(loop.clean)

    it("runs its function at once, with its arguments, until it waits", function()
        local log = {}
        http2.spawn(function(a, b, c)
            log[#log + 1] = a .. tostring(b) .. c
            http2.sleep(10)
            log[#log + 1] = "slept"
        end, "x", nil, "z")
        log[#log + 1] = "spawned"
        loop.run()
        assert.same({"xnilz", "spawned", "slept"}, log)
    end)

    it("runs many at once, each in its own time", function()
        local order = {}
        -- Within one turn of the loop, whose clock stands still in it: nobody has begun earlier.
        timers.setImmediate(function()
            for i = 5, 1, -1 do
                http2.spawn(function()
                    http2.sleep(i * 15)
                    order[#order + 1] = i
                    http2.sleep(1)
                end)
            end
        end)
        loop.run()
        assert.same({1, 2, 3, 4, 5}, order)
    end)

    it("raises what fails before the first wait", function()
        local ok, err = pcall(http2.spawn, function()
            error("early")
        end)
        assert.is_false(ok)
        assert.truthy(err:find("early", 1, true))
        assert.truthy(err:find("stack traceback", 1, true))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(http2.spawn))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(http2.spawn, {}))
    end)

    it("has run raise what fails later, with the coroutine's traceback", function()
        local function deep()
            error("late")
        end
        http2.spawn(function()
            http2.sleep(1)
            deep()
        end)
        local ok, err = pcall(http2.run)
        assert.is_false(ok)
        assert.truthy(err:find("late", 1, true))
        assert.truthy(err:find("deep", 1, true))
    end)

    it("refuses a yield that is not ours", function()
        local ok, err = pcall(http2.spawn, function()
            coroutine.yield(1)
        end)
        assert.is_false(ok)
        assert.equal("ERR_INVALID_YIELD", err.code)
    end)

    it("lets its function have coroutines of its own", function()
        local seen = {}
        http2.spawn(function()
            local numbers = coroutine.wrap(function()
                for i = 1, 3 do
                    coroutine.yield(i)
                end
            end)
            for i in numbers do
                http2.sleep(1)
                seen[#seen + 1] = i
            end
        end)
        loop.run()
        assert.same({1, 2, 3}, seen)
    end)

    it("is the only place to wait in", function()
        local ok, err = pcall(http2.sleep, 1)
        assert.is_false(ok)
        assert.truthy(tostring(err):find("http2.spawn", 1, true))
        ok = true
        http2.spawn(function()
            local inner = coroutine.create(function()
                http2.sleep(1)
            end)
            ok = coroutine.resume(inner)
        end)
        assert.is_false(ok)
    end)
end)

describe("in a coroutine", function()
    after_each(loop.clean)

    -- Plays a scene whose client runs in a task: client(session, server).
    local function play(handler, client, scene)
        scene = scene or {}
        scene.server = function(server)
            server:on("stream", handler)
        end
        scene.client = function(session, server)
            http2.spawn(function()
                client(session, server)
                session:close()
            end)
        end
        pair.play(scene)
    end

    it("a request is written in line", function()
        local seen = {}
        play(function(stream, headers)
            local body = stream:body()
            stream:respond({[":status"] = 201, ["x-path"] = headers[":path"]})
            stream:finish("got " .. #body)
        end, function(session)
            assert.equal(session, session:ready())
            local stream = session:request({[":path"] = "/a", [":method"] = "POST"})
            stream:finish("12345")
            local headers, flags, raw = stream:response()
            seen.status, seen.path = headers[":status"], headers["x-path"]
            seen.flags, seen.raw = flags, raw[1]
            seen.body = stream:body()
            seen.code = stream:waitClosed()
        end)
        assert.same({
            status = 201, path = "/a", flags = 4, raw = ":status", body = "got 5", code = 0,
        }, seen)
    end)

    it("response() gives what came before it was called", function()
        local status
        play(function(stream)
            stream:respond({[":status"] = 202}, {endStream = true})
        end, function(session)
            local stream = session:request()
            http2.sleep(30)
            status = stream:response()[":status"]
            stream:resume()
        end)
        assert.equal(202, status)
    end)

    it("chunks() gives a large body piece by piece, and writeAll waits for room", function()
        local size = 1000000
        local got = {}
        play(function(stream)
            stream:respond()
            for at = 0, size - 1, 100000 do
                stream:writeAll(payload.slice(at, 100000))
                assert.is_false(stream.writableNeedDrain)
            end
            stream:finish()
        end, function(session)
            for chunk in session:request():chunks() do
                got[#got + 1] = chunk
                if #got % 10 == 0 then
                    http2.sleep(1)
                end
            end
        end)
        assert.is_nil(payload.difference(table.concat(got), payload.make(size)))
    end)

    it("chunks() keeps the peer waiting while nobody asks", function()
        local pending
        play(function(stream)
            stream:respond()
            stream:write(payload.make(300000))
            http2.sleep(50)
            pending = stream.bufferSize
            stream:finish()
        end, function(session)
            local stream = session:request()
            stream:response()
            http2.sleep(100)
            assert.equal(300000, #stream:body())
        end)
        assert.is_true(pending > 100000)
    end)

    it("errors are raised where the wait was", function()
        local codes = {}
        play(function(stream, headers)
            stream:on("error", function() end)
            local path = headers[":path"]
            if path == "/late" then
                stream:respond()
                stream:write("x")
                http2.sleep(20)
            end
            stream:close(path == "/cancel" and 8 or 7)
        end, function(session)
            codes[1] = raised_code(function()
                session:request({[":path"] = "/now"}):response()
            end)
            codes[2] = raised_code(function()
                session:request({[":path"] = "/late"}):body()
            end)
            codes[3] = raised_code(function()
                session:request({[":path"] = "/cancel"}):body()
            end)
            codes[4] = raised_code(function()
                session:request({[":path"] = "/now"}):waitClosed()
            end)
        end)
        assert.same({
            "ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_STREAM_ERROR", "ERR_STREAM_PREMATURE_CLOSE",
            "ERR_HTTP2_STREAM_ERROR",
        }, codes)
    end)

    it("ready() raises what connecting came to", function()
        local code
        http2.spawn(function()
            code = raised_code(function()
                http2.connect("http://127.0.0.1:" .. process.refusing_port()):ready()
            end)
        end)
        loop.run()
        assert.equal("ECONNREFUSED", code)
    end)

    it("body(limit) takes no more than it may", function()
        local code, rst
        play(function(stream)
            stream:on("error", function() end)
            stream:respond()
            stream:finish(payload.make(100000))
        end, function(session)
            local stream = session:request()
            code = raised_code(stream.body, stream, 50000)
            rst = stream.rstCode
        end)
        assert.equal("ERR_BODY_TOO_LARGE", code)
        assert.equal(8, rst)
    end)

    it("a server's body() answers 413 to more than a mebibyte", function()
        local status, code
        play(function(stream)
            code = raised_code(stream.body, stream)
        end, function(session)
            local stream = session:request({[":method"] = "POST"})
            stream:on("error", function() end)
            stream:write(payload.make(1100000))
            status = stream:response()[":status"]
        end)
        assert.equal(413, status)
        assert.equal("ERR_BODY_TOO_LARGE", code)
    end)

    it("ping and pushStream wait when they have no callback", function()
        local seen = {}
        play(function(stream)
            local pushed, headers = stream:pushStream({[":path"] = "/pushed"})
            seen.path = headers[":path"]
            pushed:respond()
            pushed:finish("pushed")
            stream:respond()
            stream:finish("asked")
            seen.raised = raised_code(pushed.pushStream, pushed, {})
        end, function(session)
            session:on("stream", function(stream)
                seen.status = stream:response()[":status"]
                seen.pushed = stream:body()
            end)
            local duration, echoed = session:ready():ping("12345678")
            seen.duration, seen.echoed = math.type(duration), echoed
            seen.is_string = #select(2, session:ping())
            seen.wrong = raised_code(session.ping, session, "short")
            seen.asked = session:request():body()
            http2.sleep(20)
        end)
        assert.same({
            path = "/pushed", status = 200, pushed = "pushed", asked = "asked", duration = "float",
            echoed = "12345678", is_string = 8, wrong = "ERR_HTTP2_PING_LENGTH",
            raised = "ERR_HTTP2_NESTED_PUSH",
        }, seen)
    end)

    it("a ping that is cancelled raises", function()
        local code
        play(function() end, function(session)
            after(0, function()
                session:destroy()
            end)
            code = raised_code(session.ping, session)
        end)
        assert.equal("ERR_HTTP2_PING_CANCEL", code)
    end)

    it("ping and pushStream demand their callback elsewhere", function()
        local codes = {}
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    after(1, function()
                        codes[1] = raised_code(stream.pushStream, stream, {})
                        stream:respond({}, {endStream = true})
                    end)
                end)
            end,
            client = function(session)
                codes[2] = raised_code(session.ping, session)
                session:request():resume():on("close", function()
                    session:close()
                end)
            end,
        }
        assert.same({"ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE"}, codes)
    end)

    it("a handler that fails after a wait ends its stream alone", function()
        local failures, codes = {}, {}
        play(function(stream, headers)
            http2.sleep(5)
            http2.sleep(5)
            if headers[":path"] == "/bad" then
                error("after a wait")
            end
            stream:respond()
            stream:finish("fine")
        end, function(session)
            local bad, good = session:request({[":path"] = "/bad"}), session:request()
            codes[1] = raised_code(bad.response, bad)
            codes[2] = good:body()
        end, {handler_error = function(err, stream)
            failures[#failures + 1] = tostring(err)
            failures[#failures + 1] = stream.id
        end})
        assert.same({"ERR_HTTP2_STREAM_ERROR", "fine"}, codes)
        assert.truthy(failures[1]:find("after a wait", 1, true))
        assert.equal(1, failures[2])
    end)

    it("thousands of handlers wait at once, and none is lost", function()
        local count, done = 1000, 0
        play(function(stream)
            http2.sleep(20)
            stream:respond()
            stream:finish(tostring(stream.id))
        end, function(session)
            local left = count
            for _ = 1, count do
                http2.spawn(function()
                    local stream = session:request()
                    if stream:body() == tostring(stream.id) then
                        done = done + 1
                    end
                    left = left - 1
                end)
            end
            while left > 0 do
                http2.sleep(10)
            end
        end, {seconds = 60})
        assert.equal(count, done)
    end)
end)
