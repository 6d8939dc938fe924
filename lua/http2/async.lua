--- Coroutines that wait in line: spawn, sleep, and the methods that wait. No other file yields.
---
--- A task is a coroutine of the core's. It yields for one reason, that it waits, and is resumed by
--- the callback it waits for. Handlers run in tasks too, so that any of them may wait.
local core = require("http2_core")

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
local task = core.task

local async = {}

-- ----------------------------------------------------------------------------------- waiting

-- The task that was resumed here, and the object that its errors are the fault of.
local resumed, resumed_owner

-- Goes on with a task; an error of its is the fault of whoever was to blame when it began.
local function resume(this, owner)
    local outer, outer_owner = resumed, resumed_owner
    resumed, resumed_owner = this, owner
    local ok, state = coroutine.resume(this)
    resumed, resumed_owner = outer, outer_owner
    if ok and (state == task.waiting or coroutine.status(this) == "dead") then
        return
    end
    local err = ok and "a task can only wait by the methods of http2" or state
    if type(err) ~= "table" then
        err = debug.traceback(this, tostring(err))
    elseif rawget(err, "traceback") == nil then
        rawset(err, "traceback", debug.traceback(this, tostring(err)))
    end
    core.fail(err, owner)
end

-- Waits until the function given to `start` is called, and returns what that is called with. What
-- `start` returns, if anything, is called afterwards to clean up.
local function wait(start)
    if not task.isTask() then
        core.raise("Error", "ERR_INVALID_STATE",
            "Waiting is for handlers and for functions run by http2.spawn")
    end
    local this = coroutine.running()
    local owner
    if resumed == this then
        owner = resumed_owner
    else
        owner = core.blamed()
    end
    local results, is_waiting
    local clean = start(function(...)
        if results then
            return
        end
        results = {n = select("#", ...), ...}
        if is_waiting then
            resume(this, owner)
        end
    end)
    if not results then
        is_waiting = true
        coroutine.yield(task.waiting)
    end
    if clean then
        clean()
    end
    return unpack(results, 1, results.n)
end

--- Runs fn(...) in a task, at once, until it waits for the first time.
function async.spawn(fn, ...)
    if type(fn) ~= "function" then
        core.raise("TypeError", "ERR_INVALID_ARG_TYPE",
            'The "fn" argument must be of type function. Received ' .. type(fn))
    end
    core.keepResponses()
    task.run(fn, ...)
end

--- Waits so many milliseconds.
function async.sleep(ms)
    wait(function(done)
        core.setTimeout(done, ms)
    end)
end

-- ---------------------------------------------------------------------------------- events

-- Waits for one of the events; gives its name and arguments.
local function wait_for(object, names)
    return wait(function(done)
        local listeners = {}
        for _, name in ipairs(names) do
            listeners[name] = function(...)
                done(name, ...)
            end
            object:on(name, listeners[name])
        end
        return function()
            for name, listener in pairs(listeners) do
                object:off(name, listener)
            end
        end
    end)
end

local function raise(err, level)
    error(err, level and level + 1 or 0)
end

local function premature_close()
    return core.newError("Error", "ERR_STREAM_PREMATURE_CLOSE", "Premature close")
end

-- Waits for one of the events or the stream's end, which is raised.
local function wait_on_stream(stream, names)
    if stream.errored then
        raise(stream.errored)
    elseif stream.destroyed then
        raise(premature_close())
    end
    names[#names + 1] = "error"
    names[#names + 1] = "close"
    local function check(name, ...)
        if name == "error" then
            raise((...))
        elseif name == "close" then
            raise(stream.errored or premature_close())
        end
        return name, ...
    end
    return check(wait_for(stream, names))
end

-- --------------------------------------------------------------------------------- streams

local stream_methods, client_stream_methods, session_methods = {}, {}, {}

--- The response: headers, flags, rawHeaders.
function client_stream_methods.response(stream)
    core.keepResponses()
    local headers, flags, raw = core.takeResponse(stream)
    if not headers then
        local _
        _, headers, flags, raw = wait_on_stream(stream, {"response", "push"})
    end
    return headers, flags, raw
end

-- The next piece of the body; nil at its end.
local function next_chunk(stream)
    while true do
        local chunk = stream:read()
        if chunk then
            return chunk
        elseif stream.readableEnded then
            return nil
        end
        if wait_on_stream(stream, {"readable", "end"}) == "end" then
            return nil
        end
    end
end

--- for chunk in stream:chunks() do ... end
function stream_methods.chunks(stream)
    return next_chunk, stream
end

-- A body that is too large: a server says so, and no more of it is taken.
local function refuse_body(stream, limit)
    if stream.pushAllowed ~= nil and not stream.headersSent then
        stream:respond({[":status"] = 413}, {endStream = true})
        stream:close(core.constants.NGHTTP2_NO_ERROR)
    else
        stream:close(core.constants.NGHTTP2_CANCEL)
    end
    raise(core.newError("RangeError", "ERR_BODY_TOO_LARGE",
        ("The body is larger than %d bytes"):format(limit)))
end

--- The whole body; more than `limit` bytes (of requests 1 MiB unless given) are not taken.
function stream_methods.body(stream, limit)
    local is_request = stream.pushAllowed ~= nil
    limit = limit or is_request and 1048576 or math.huge
    local chunks, size = {}, 0
    for chunk in next_chunk, stream do
        size = size + #chunk
        if size > limit then
            refuse_body(stream, limit)
        end
        chunks[#chunks + 1] = chunk
    end
    return table.concat(chunks)
end

--- Writes, and waits until there is room for more.
function stream_methods.writeAll(stream, data, encoding)
    if not stream:write(data, encoding) then
        wait_on_stream(stream, {"drain"})
    end
end

--- Waits for "close"; gives rstCode.
function stream_methods.waitClosed(stream)
    if not stream.destroyed then
        local name, err = wait_for(stream, {"error", "close"})
        if name == "error" then
            raise(err)
        end
    elseif stream.errored then
        raise(stream.errored)
    end
    return stream.rstCode
end

-- -------------------------------------------------------------------------------- sessions

--- Waits until the session is connected; gives the session.
function session_methods.ready(session)
    if session.connecting then
        local name, err = wait_for(session, {"connect", "error", "close"})
        if name ~= "connect" then
            raise(name == "error" and err or
                core.newError("Error", "ERR_HTTP2_INVALID_SESSION", "The session has been closed"))
        end
    elseif session.destroyed then
        raise(core.newError("Error", "ERR_HTTP2_INVALID_SESSION",
            "The session has been destroyed"))
    end
    return session
end

-- -------------------------------------------------------------------------------- callbacks

local function give(err, ...)
    if err then
        raise(err)
    end
    return ...
end

-- Lets a method whose callback is demanded be called without one by a task: it waits, and returns
-- what the callback is given.
local function make_awaitable(class, name)
    local method = core.method(class, name)
    if not method then
        return
    end
    core.addMethods(class, {[name] = function(self, first, second, ...)
        local has_callback = type(first) == "function" or type(second) == "function" or
            select("#", ...) > 0
        if has_callback or not task.isTask() then
            return method(self, first, second, ...)
        end
        return give(wait(function(done)
            if second ~= nil then
                method(self, first, second, done)
            elseif first ~= nil then
                method(self, first, done)
            else
                method(self, done)
            end
        end))
    end})
end

-- ------------------------------------------------------------- the compatibility API

-- A request reads as its stream does, and a response writes.
local request_methods, response_methods = {}, {}

function request_methods.chunks(request)
    return stream_methods.chunks(request.stream)
end

function request_methods.body(request, limit)
    return stream_methods.body(request.stream, limit)
end

function request_methods.waitClosed(request)
    return stream_methods.waitClosed(request.stream)
end

function response_methods.writeAll(response, data, encoding)
    if not response:write(data, encoding) then
        wait_on_stream(response.stream, {"drain"})
    end
end

function response_methods.waitClosed(response)
    return stream_methods.waitClosed(response.stream)
end

-- Adds methods, each of which is for objects of the class alone.
local function add_methods(class, methods)
    local checked = {}
    for name, method in pairs(methods) do
        checked[name] = function(self, ...)
            core.checkClass(self, class)
            return method(self, ...)
        end
    end
    core.addMethods(class, checked)
end

add_methods("Http2Stream", stream_methods)
add_methods("Http1Stream", stream_methods)
add_methods("Http2ServerRequest", request_methods)
add_methods("Http2ServerResponse", response_methods)
add_methods("ClientHttp2Stream", client_stream_methods)
add_methods("Http2Session", session_methods)
make_awaitable("Http2Session", "ping")
make_awaitable("ServerHttp2Stream", "pushStream")
make_awaitable("Http2ServerResponse", "createPushResponse")
return async
