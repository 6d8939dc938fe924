-- Serves the files of a folder over HTTP/2 without TLS. Usage: files.lua PORT FOLDER
local http2 = require("http2")

local port, folder = tonumber(arg[1]), arg[2]

local types = {html = "text/html; charset=utf-8", css = "text/css", js = "text/javascript"}

-- The file a path names; nil for one that leads out of the folder.
local function file_of(path)
    local name = path:gsub("%?.*$", ""):gsub("%%(%x%x)", function(hex)
        return string.char(tonumber(hex, 16))
    end)
    if name:find("%.%.") or name:find("[%z\\]") then
        return nil
    end
    return folder .. (name:gsub("/$", "/index.html"))
end

local server = http2.createServer()

server:on("stream", function(stream, headers)
    local since = headers["if-modified-since"]

    local function statCheck(stat, response)
        local modified = os.date("!%a, %d %b %Y %H:%M:%S GMT", stat.mtime)
        response["last-modified"] = modified
        if since == modified then
            stream:respond({[":status"] = 304})
            return false -- the file is not sent
        end
    end

    local function onError(err)
        stream:respond({[":status"] = err.code == "ENOENT" and 404 or 500})
        stream:finish()
    end

    local file = file_of(headers[":path"])
    if not file or headers[":method"] ~= "GET" then
        stream:respond({[":status"] = file and 405 or 400}, {endStream = true})
        return
    end
    stream:respondWithFile(file, {
        ["content-type"] = types[file:match("%.(%w+)$")] or "application/octet-stream",
    }, {statCheck = statCheck, onError = onError})
end)

server:listen(port, function()
    print("listening on http://localhost:" .. server:address().port)
end)

http2.run()
