--- Requests by the library's client, for specs whose server is another program.
local http2 = require("http2")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")

local fetch = {}

-- Sends one request {headers, body} and calls `done` when its stream has closed. The result is that
-- of pair.view.
local function send(session, request, done)
    local stream = session:request(request.headers)
    local result = pair.view(stream, done)
    stream:finish(request.body)
    return result
end

--- Sends the requests {headers, body}, all at once on one new session, and gives their results in
--- the same order when all are done and the session is closed.
function fetch.all(url, options, requests)
    local results, left = {}, #requests
    local session = loop.track(http2.connect(url, options))
    for index, request in ipairs(requests) do
        results[index] = send(session, request, function()
            left = left - 1
            if left == 0 then
                session:close()
            end
        end)
    end
    loop.run()
    return results
end

function fetch.get(url, options, path)
    return fetch.all(url, options, {{headers = {[":path"] = path}}})[1]
end

function fetch.post(url, options, path, body, method)
    local headers = {[":path"] = path, [":method"] = method or "POST"}
    return fetch.all(url, options, {{headers = headers, body = body}})[1]
end

return fetch
