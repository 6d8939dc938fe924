--- Plays a handler over HTTP/2 and over HTTP/1.1, and takes notes of what it sees: all that it
--- notes, and what its client gets, has to be the same.
local busted = require("busted")
local http2 = require("http2")
local exchange = require("spec.support.exchange")

local assert = busted.assert
local versions = {}

-- What tells of the message's framing, and of the moment.
local of_framing = {
    ["connection"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true,
    ["content-length"] = true, ["date"] = true,
}

local function headers_of(headers)
    local kept = {}
    for name, value in pairs(headers or {}) do
        if type(name) == "string" and name:sub(1, 1) ~= ":" and not of_framing[name] then
            local is_joined = type(value) == "table" and name ~= "set-cookie"
            kept[name] = is_joined and table.concat(value, ", ") or value
        end
    end
    return kept
end

local function view_of(view)
    local informational = {}
    for i, interim in ipairs(view.informational or {}) do
        informational[i] = {interim[1], headers_of(interim[2])}
    end
    -- Of a response that was cut off, one version shows what came and the other may not.
    if view.is_cut then
        return {is_cut = true}
    end
    return {status = view.status, headers = headers_of(view.headers), body = view.body,
        has_date = view.headers.date ~= nil, trailers = headers_of(view.trailers),
        informational = informational}
end

-- What a value is noted as: errors by their codes, objects by their types.
local function text_of(value)
    if http2.isError(value) then
        return value.code or value.message
    elseif type(value) == "table" then
        local names = {}
        for i, item in ipairs(value) do
            names[i] = text_of(item)
        end
        return "{" .. table.concat(names, " ") .. "}"
    elseif type(value) == "userdata" or type(value) == "function" then
        return type(value)
    end
    return tostring(value)
end

local Notes = {}
Notes.__index = Notes

function Notes:note(...)
    local words = {...}
    for i = 1, select("#", ...) do
        words[i] = text_of((select(i, ...)))
    end
    table.insert(self.list, table.concat(words, " "))
end

-- Notes an object's events, and their arguments.
function Notes:watch(label, object, ...)
    for _, name in ipairs{...} do
        object:on(name, function(...)
            self:note(label, name, ...)
        end)
    end
end

-- Notes what a call gives, or the code of what it raises.
function Notes:try(label, fn, ...)
    local results = table.pack(pcall(fn, ...))
    self:note(label, table.unpack(results, 1, results.n))
end

-- Notes members by their names.
function Notes:members(label, object, ...)
    for _, name in ipairs{...} do
        self:note(label .. "." .. name, object[name])
    end
end

local request_members = {"method", "url", "authority", "scheme", "complete", "aborted",
    "destroyed", "closed", "errored", "readable", "readableEnded", "readableAborted",
    "readableDidRead", "readableFlowing", "readableEncoding"}
versions.response_members = {"statusCode", "headersSent", "sendDate", "finished", "writableEnded",
    "writable", "closed", "destroyed", "errored", "writableFinished", "writableLength",
    "writableNeedDrain", "writableCorked"}

--- Notes what the two show.
function versions.note_all(notes, request, response)
    notes:members("request", request, table.unpack(request_members))
    notes:members("response", response, table.unpack(versions.response_members))
    notes:note("headers", request.headers["x-a"], request.headers[":path"],
        response:getHeaderNames())
    notes:note("trailers", request.trailers["x-t"], #request.rawTrailers)
end

--- Notes what the two tell.
function versions.watch_all(notes, request, response)
    notes:watch("request", request, "end", "aborted", "error", "close", "timeout")
    notes:watch("response", response, "finish", "error", "close", "timeout", "drain", "pipe",
        "unpipe")
end

--- Tries everything that can be called once there is nothing to be said any more.
function versions.try_all(notes, request, response)
    local function callback(...)
        notes:note("called back", ...)
    end
    notes:try("write", response.write, response, "x", callback)
    notes:try("writeHead", function() return response:writeHead(204) == response end)
    notes:try("setHeader", response.setHeader, response, "x-a", "b")
    notes:try("appendHeader", response.appendHeader, response, "x-a", "b")
    notes:try("removeHeader", response.removeHeader, response, "x-a")
    notes:try("getHeader", response.getHeader, response, "x-a")
    notes:try("setTrailer", response.setTrailer, response, "x-a", "b")
    notes:try("flushHeaders", response.flushHeaders, response)
    notes:try("writeContinue", response.writeContinue, response)
    notes:try("writeEarlyHints", response.writeEarlyHints, response, {link = "</a>"})
    notes:try("statusCode", function() response.statusCode = 404 end)
    notes:try("cork", response.cork, response)
    notes:try("uncork", response.uncork, response)
    notes:try("finish", function() return response:finish("y", callback) == response end)
    notes:try("request.setTimeout", function() return request:setTimeout(10) == request end)
    notes:try("response.setTimeout", function() return response:setTimeout(10) == response end)
    notes:try("read", request.read, request)
    notes:try("pause", function() return request:pause() == request end)
    notes:try("resume", function() return request:resume() == request end)
    notes:try("socket", function() return response.socket end)
    notes:try("destroy", function() return request:destroy() == request end)
    notes:try("destroy", response.destroy, response)
end

-- Plays the scene over a version: its notes, and the client's view. `scene.play(notes, request,
-- response)` is the handler.
local function play(version, scene)
    local notes = setmetatable({list = {}}, Notes)
    local copy = {version = version}
    for name, value in pairs(scene) do
        copy[name] = value
    end
    function copy.handler(request, response)
        return scene.play(notes, request, response, copy)
    end
    function copy.handler_error(err, stream)
        local message = http2.isError(err) and (err.code or err.message) or tostring(err)
        notes:note("handlerError", message:match("on purpose") or message, type(stream))
    end
    if scene.prepare then
        function copy.setup(server)
            scene.prepare(notes, server)
        end
    end
    local view = exchange.request(copy)
    return notes.list, view_of(view)
end

--- A test that plays the scene over both and compares.
function versions.alike(sentence, scene)
    busted.it(sentence, function()
        local notes, view = play("2.0", scene)
        local other_notes, other_view = play("1.1", scene)
        assert.is_true(#notes > 0)
        assert.equal(table.concat(notes, "\n"), table.concat(other_notes, "\n"))
        if not scene.is_cut then
            assert.same(view, other_view)
        end
    end)
end

return versions
