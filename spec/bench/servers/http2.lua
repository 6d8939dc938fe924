-- The server that is measured: http2.lua port=N [host=A] [api=core|compat] [root=FOLDER]
-- [key=FILE cert=FILE] [reuse=1] [memory=MB of a session]. GET /N gives N octets from memory,
-- /file/N a file of the root; a POST is read to its end and answered with 13 octets.
local http2 = require("http2")

local options = {host = "127.0.0.1", api = "core"}
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

local memory = tonumber(options.memory)
local settings = {
    maxSessionMemory = memory, maxServerMemory = memory and 1000 * memory,
    keepAliveTimeout = 3600000,
}
local server
if options.key then
    settings.key, settings.cert = read(options.key), read(options.cert)
    server = http2.createSecureServer(settings)
else
    server = http2.createServer(settings)
end

-- What is sent for a path: made when it is first asked for.
local answers = setmetatable({}, {__index = function(answers, path)
    local size = tonumber(path:match("^/(%d+)$"))
    local answer
    if path:find("^/file/%d+$") then
        answer = {file = options.root .. path, headers = {["content-type"] = "text/plain"}}
    elseif size then
        answer = {
            body = size == 13 and "hello, world\n" or ("x"):rep(size),
            headers = {
                [":status"] = 200, ["content-type"] = "text/plain", ["content-length"] = size,
            },
        }
    else
        answer = {body = "not found\n", headers = {[":status"] = 404}}
    end
    answers[path] = answer
    return answer
end})

local function answer_core(stream, path)
    local answer = answers[path]
    if answer.file then
        stream:respondWithFile(answer.file, answer.headers)
    else
        stream:respond(answer.headers)
        stream:finish(answer.body)
    end
end

local function serve_core(stream, headers)
    if headers[":method"] == "POST" then
        stream:on("data", function() end)
        stream:on("end", function() answer_core(stream, "/13") end)
    else
        answer_core(stream, headers[":path"])
    end
end

local function answer_compat(response, path)
    local answer = answers[path]
    response.statusCode = answer.headers[":status"]
    response:setHeader("content-type", "text/plain")
    response:setHeader("content-length", #answer.body)
    response:finish(answer.body)
end

local function serve_compat(request, response)
    if request.method == "POST" then
        request:on("data", function() end)
        request:on("end", function() answer_compat(response, "/13") end)
    else
        answer_compat(response, request.url)
    end
end

if options.api == "core" then
    server:on("stream", serve_core)
else
    server:on("request", serve_compat)
end
server:listen{
    port = tonumber(options.port), host = options.host, backlog = 4096,
    reusePort = options.reuse ~= nil,
}
http2.run()
