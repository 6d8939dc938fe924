--- Scenes of one request, with both sides' views of its stream, and what most of them need.
local pair = require("spec.support.pair")
local timers = require("http2.timers")

local scene = {}

--- The request of a POST, for `scene.play`.
scene.post = {headers = {[":path"] = "/", [":method"] = "POST"}}

function scene.after(ms, fn)
    return timers.setTimeout(fn, ms)
end

--- A handler that answers with headers alone.
function scene.answer(stream)
    stream:respond({}, {endStream = true})
end

local events = {"ready", "response", "headers", "trailers", "end", "finish", "aborted", "close"}

--- Plays a scene in which the client sends one request and the server's stream goes to `handler`;
--- `ask(stream, session)` has the client's. Gives both views: {events, code, err, stream, body}.
function scene.play(handler, request, ask, more)
    local here, there = {events = {}}, {events = {}}
    local function watch(view, stream)
        view.stream = stream
        pair.log(view.events, "", stream, events)
        stream:on("error", function(err)
            view.err = err
            view.events[#view.events + 1] = "error"
        end)
        stream:on("close", function()
            view.code = stream.rstCode
        end)
    end
    local all = more or {}
    function all.server(server)
        server:on("stream", function(stream, headers)
            watch(there, stream)
            handler(stream, headers)
        end)
    end
    function all.client(session)
        local options = request and request.options
        local stream = session:request(request and request.headers or {[":path"] = "/"}, options)
        watch(here, stream)
        stream:on("trailers", function(trailers)
            here.trailers = trailers
        end)
        stream:on("response", function(headers)
            here.headers = headers
        end)
        stream:on("close", function()
            session:close()
        end)
        if ask then
            ask(stream, session)
        else
            pair.collect(stream, function(body)
                here.body = body
            end)
        end
    end
    pair.play(all)
    return here, there
end

return scene
