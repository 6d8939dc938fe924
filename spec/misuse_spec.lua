-- Every method and function, called with anything and on anything: what is raised is an error
-- object with a code, never an error of Lua's own, and the library goes on.
local http2 = require("http2")
local contract = require("spec.support.contract")
local cert = require("spec.support.cert")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local net = require("http2.net")
local rawpeer = require("spec.support.rawpeer")

local function pass() end

local values = {
    0, 1, -1, 1.5, 0 / 0, 1 / 0, -2 ^ 53, 2 ^ 32, "", "x", "a\0b", ("x"):rep(70000), true, false,
    {}, {1, 2}, {x = 1}, {[":status"] = "x"}, {[{}] = {}}, pass, io.stdout, coroutine.create(pass),
}

-- Calls `fn` with each value in each of the first places, and with none. What it may raise is an
-- error object; gives how many calls raised one.
local function misuse(what, fn, ...)
    local self = table.pack(...)
    local raised = 0
    local function try(...)
        local arguments = table.pack(...)
        for index = self.n, 1, -1 do
            table.insert(arguments, 1, self[index])
        end
        local ok, err = pcall(fn, table.unpack(arguments, 1, arguments.n + self.n))
        if not ok then
            raised = raised + 1
            assert(http2.isError(err), ("%s raises %s"):format(what, tostring(err)))
            assert(type(err.code) == "string", ("%s raises no code"):format(what))
        end
    end
    try()
    for _, value in ipairs(values) do
        try(value)
        try(nil, value)
        try({}, value)
        try("x", value)
        try(1, value)
        try({}, {}, value)
        try({}, pass, value)
        try("x", "utf8", value)
    end
    return raised
end

-- ----------------------------------------------------------------------------- the objects

local makers = {}

local function quiet(object)
    object:on("error", pass)
    return object
end

local function session_of_client()
    local listener = rawpeer.listen()
    local session = quiet(loop.track(http2.connect("http://127.0.0.1:" .. listener.port)))
    local peer = listener:accept()
    listener.close()
    peer:await_pong()
    return session, peer
end

local function stream_of_server(path)
    local server = loop.track(http2.createServer())
    local stream, request, response
    server:on("sessionError", pass)
    server:on("handlerError", pass)
    if path == "/compat" then
        server:on("request", function(...)
            request, response = ...
            quiet(request)
            quiet(response)
        end)
    else
        server:on("stream", function(each)
            stream = quiet(each)
        end)
    end
    server:listen(0, "127.0.0.1")
    local peer = rawpeer.connect(rawpeer.port_of(server))
    peer:send(frames.post(1, path))
    peer:await_pong()
    return stream, request, response
end

makers["Http2Session ClientHttp2Session"] = function()
    return (session_of_client())
end

makers["Http2Session ServerHttp2Session"] = function()
    return quiet(stream_of_server("/").session)
end

makers["Http2Stream ClientHttp2Stream"] = function()
    return quiet(session_of_client():request{[":method"] = "POST"})
end

makers["Http2Stream ServerHttp2Stream"] = function()
    return (stream_of_server("/"))
end

makers["Http2Server"] = function()
    return quiet(loop.track(http2.createServer()))
end

makers["Http2SecureServer"] = function()
    return quiet(loop.track(http2.createSecureServer{
        key = cert.read("server.key"), cert = cert.read("server.crt"),
    }))
end

makers["Http2ServerRequest"] = function()
    return select(2, stream_of_server("/compat"))
end

makers["Http2ServerResponse"] = function()
    return select(3, stream_of_server("/compat"))
end

makers["net.Socket"] = function()
    return quiet(net.Socket())
end

makers["net.Server"] = function()
    return quiet(loop.track(net.createServer()))
end

-- The names of the functions that an object has: those documented of its owners, and all others
-- that objects of its kind may have.
local common = {
    "write", "finish", "end", "cork", "uncork", "setDefaultEncoding", "read", "pause", "resume",
    "isPaused", "pipe", "unpipe", "setEncoding", "destroy", "emit", "on", "once", "off",
    "addListener", "removeListener", "removeAllListeners", "prependListener",
    "prependOnceListener", "listenerCount", "listeners", "eventNames", "setTimeout", "address",
    "connect", "listen", "close", "getConnections", "ref", "unref", "setNoDelay", "setKeepAlive",
    "shutdown", "rstStream", "priority", "response", "chunks", "body", "writeAll", "waitClosed",
    "ready", "setTicketKeys", "getTicketKeys", "addContext", "setSecureContext", "resetAndDestroy",
}

local function methods_of(owners)
    local names, is_known = {}, {}
    local function add(name)
        if not is_known[name] then
            is_known[name] = true
            names[#names + 1] = name
        end
    end
    for _, entry in ipairs(contract) do
        if entry.kind == "method" and owners:find(entry.owner, 1, true) then
            add(entry.name)
        end
    end
    for _, name in ipairs(common) do
        add(name)
    end
    return names
end

-- Ends what calls that were right by chance have begun.
local function settle()
    for _ = 1, 50 do
        pcall(http2.run, "nowait")
    end
end

describe("misuse of", function()
    after_each(loop.clean)

    for owners, make in pairs(makers) do
        it("the methods of " .. owners, function()
            local tried = 0
            for _, name in ipairs(methods_of(owners)) do
                local object = make()
                local method = object[name]
                if type(method) == "function" then
                    tried = tried + 1
                    local what = owners .. "." .. name
                    misuse(what, method, object)
                    settle()
                    for _, self in ipairs{false, "x", {}, http2, io.stdout} do
                        local ok, err = pcall(method, self or nil)
                        -- A table may be a Duplex of the program's.
                        assert(not ok or type(self) == "table", what .. " bears any self")
                        assert(ok or http2.isError(err), what .. " raises " .. tostring(err))
                    end
                end
                loop.clean()
            end
            assert.is_true(tried > 10)
        end)
    end

    it("the functions of the module", function()
        for _, name in ipairs{"createServer", "createSecureServer", "connect", "getPackedSettings",
            "getUnpackedSettings", "performServerHandshake", "getDefaultSettings", "spawn",
            "sleep", "fetch", "isError", "onUncaught", "AbortController"} do
            if http2[name] then
                misuse("http2." .. name, http2[name])
            end
        end
        http2.onUncaught(nil)
        settle()
    end)

    it("AbortController, AbortSignal and PerformanceObserver", function()
        local perf_hooks = require("http2.perf_hooks")
        local controller = http2.AbortController()
        misuse("AbortController:abort", controller.abort)
        assert.is_false(controller.signal.aborted)
        misuse("AbortSignal.abort", http2.AbortSignal.abort)
        misuse("AbortSignal.any", http2.AbortSignal.any)
        misuse("PerformanceObserver", perf_hooks.PerformanceObserver)
        local observer = perf_hooks.PerformanceObserver(pass)
        for _, name in ipairs{"observe", "disconnect", "takeRecords"} do
            misuse("PerformanceObserver:" .. name, observer[name], observer)
            misuse("PerformanceObserver:" .. name, observer[name])
        end
        observer:disconnect()
    end)

    it("the functions of http2.net and http2.timers", function()
        local timers = require("http2.timers")
        for _, name in ipairs{"connect", "createServer", "Socket"} do
            misuse("net." .. name, function(...)
                local object = net[name](...)
                object:on("error", pass)
            end)
        end
        for _, name in ipairs{"connect", "createServer", "createSecureContext"} do
            misuse("net.tls." .. name, function(...)
                local object = net.tls[name](...)
                if name ~= "createSecureContext" then
                    object:on("error", pass)
                end
            end)
        end
        for _, name in ipairs{"setTimeout", "setInterval", "setImmediate", "clearTimeout",
            "clearInterval", "clearImmediate"} do
            misuse("timers." .. name, function(...)
                local timer = timers[name](...)
                if timer then
                    timer:close()
                end
            end)
        end
        settle()
    end)
end)
