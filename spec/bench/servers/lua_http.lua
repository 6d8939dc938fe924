-- The same as http2.lua beside it, on lua-http: lua_http.lua port=N [key=FILE cert=FILE]
-- luacheck: std lua51
local http_headers = require("http.headers")
local http_server = require("http.server")

local options = {}
for _, argument in ipairs(arg) do
    local name, value = argument:match("^(%w+)=(.*)$")
    options[name] = value
end

local function read(path)
    local file = assert(io.open(path, "rb"))
    local content = file:read("*a")
    file:close()
    return content
end

local function secure_context()
    local context = require("http.tls").new_server_context()
    context:setCertificate(require("openssl.x509").new(read(options.cert)))
    context:setPrivateKey(require("openssl.pkey").new(read(options.key)))
    context:setAlpnSelect(function() return "h2" end)
    return context
end

local bodies = setmetatable({}, {__index = function(bodies, path)
    local size = tonumber(path:match("^/(%d+)$"))
    bodies[path] = size == 13 and "hello, world\n" or ("x"):rep(size)
    return bodies[path]
end})

local function serve(_, stream)
    local headers = assert(stream:get_headers())
    local path = headers:get(":path")
    if headers:get(":method") == "POST" then
        while stream:get_next_chunk() do end
        path = "/13"
    end
    local body = bodies[path]
    local answer = http_headers.new()
    answer:append(":status", "200")
    answer:append("content-type", "text/plain")
    answer:append("content-length", tostring(#body))
    stream:write_headers(answer, false)
    stream:write_chunk(body, true)
end

local server = assert(http_server.listen{
    host = "127.0.0.1", port = tonumber(options.port), version = 2,
    tls = options.key ~= nil, ctx = options.key and secure_context() or nil,
    onstream = serve, onerror = function() end, max_concurrent = 20000,
})
assert(server:loop())
