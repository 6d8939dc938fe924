-- Serves the page in examples/site over HTTPS. Usage: server.lua PORT KEY-FILE CERTIFICATE-FILE
local http2 = require("http2")

local port, key_file, cert_file = tonumber(arg[1]), arg[2], arg[3]
local site = arg[0]:gsub("[^/]*$", "") .. "site/"

local function read(name)
    local file <close> = assert(io.open(name, "rb"))
    return file:read("a")
end

local function page(name, content_type)
    local body = read(site .. name)
    return {
        headers = {
            [":status"] = 200,
            ["content-type"] = content_type,
            ["content-length"] = #body,
        },
        body = body,
    }
end

local pages = {
    ["/"] = page("index.html", "text/html; charset=utf-8"),
    ["/style.css"] = page("style.css", "text/css; charset=utf-8"),
    ["/page.js"] = page("page.js", "text/javascript; charset=utf-8"),
}

local server = http2.createSecureServer{key = read(key_file), cert = read(cert_file)}

server:on("stream", function(stream, headers)
    local found = pages[headers[":path"]]
    if not found then
        stream:respond{[":status"] = 404, ["content-type"] = "text/plain"}
        stream:finish("There is no such page.\n")
        return
    end
    stream:respond(found.headers)
    stream:finish(headers[":method"] ~= "HEAD" and found.body or nil)
end)

server:listen(port, function()
    print("listening on https://localhost:" .. server:address().port)
end)

http2.run()
