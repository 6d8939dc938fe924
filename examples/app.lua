-- A small application, over HTTP/2 and HTTP/1.1 alike: app.lua PORT KEY-FILE CERTIFICATE-FILE
local http2 = require("http2")
local timers = require("http2.timers")

local folder = arg[0]:gsub("[^/]*$", "")
package.path = folder .. "?.lua;" .. package.path
local router = require("app.router")
local forms = require("app.forms")

local function read(name)
    local file <close> = assert(io.open(name, "rb"))
    return file:read("a")
end

local app = router.new()

-- Every answer tells how long it took to begin, and what the browser is not to do with it.
app:use(function(_, response, next_step)
    local begin = os.clock()
    response:setHeader("x-content-type-options", "nosniff")
    next_step()
    response:on("close", function()
        if os.getenv("APP_LOG") then
            io.stderr:write(("%s %s %d %.1f ms\n"):format(response.req.method, response.req.url,
                response.statusCode, (os.clock() - begin) * 1000))
        end
    end)
end)

for path, kind in pairs{
    ["/"] = "text/html; charset=utf-8",
    ["/style.css"] = "text/css; charset=utf-8",
    ["/page.js"] = "text/javascript; charset=utf-8",
} do
    local body = read(folder .. "app/site" .. (path == "/" and "/index.html" or path))
    app:get(path, function(_, response)
        response:setHeader("content-type", kind)
        response:setHeader("content-length", #body)
        response:finish(body)
    end)
end

app:get("/hello/:name", function(request, response)
    response:finish(("Hello, %s!\n"):format(request.params.name))
end)

app:post("/greet", function(request, response)
    forms.read(request, function(fields)
        response.statusCode = fields and 200 or 413
        response:setHeader("content-type", "text/plain; charset=utf-8")
        response:finish(fields and ("Hello, %s!"):format(fields.name) or "Too much.\n")
    end)
end)

-- Tells the sizes of the files that are uploaded, and keeps none of them.
app:post("/upload", function(request, response)
    local files = {}
    forms.read_multipart(request, function(part)
        local size = 0
        part.data = function(octets)
            size = size + #octets
        end
        part.finish = function()
            files[#files + 1] = ('{"name": "%s", "size": %d}'):format(part.name, size)
        end
    end, function(is_whole)
        response.statusCode = is_whole and 200 or 400
        response:setHeader("content-type", "application/json")
        response:finish("[" .. table.concat(files, ", ") .. "]\n")
    end)
end)

-- Server-sent events: the time, until the client has enough.
app:get("/clock", function(_, response)
    response:setHeader("content-type", "text/event-stream")
    response:setHeader("cache-control", "no-store")
    local function tick()
        response:write("data: " .. os.date("!%H:%M:%S") .. "\n\n")
    end
    tick()
    local timer = timers.setInterval(tick, 200)
    response:on("close", function()
        timers.clearInterval(timer)
    end)
end)

local server = http2.createSecureServer({key = read(arg[2]), cert = read(arg[3]),
    allowHTTP1 = true}, app:handler())
server:listen(tonumber(arg[1]), function()
    print("listening on https://localhost:" .. server:address().port)
end)
http2.run()
