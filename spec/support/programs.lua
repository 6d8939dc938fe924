--- Programs and peers that many differential scenarios share: see spec.support.differential.
local clock = require("spec.support.clock")
local frames = require("spec.support.frames")

local programs = {}

--- The end of a peer's script: the session that has nothing open any more closes.
function programs.part(peer)
    peer:send(frames.goaway(0, 0))
    peer:await_end()
    peer:close()
end

--- The peer of a client that sends one request, which is answered without a body.
function programs.answer(peer)
    local request = peer:await_frame(frames.HEADERS)
    peer:send(frames.response(request.id, 200, {}, frames.END_HEADERS | frames.END_STREAM))
    clock.wait(20)
    peer:send(frames.goaway(request.id, 0))
    peer:await_end()
    peer:close()
end

--- A server that reads each request to its end and answers it with "hello".
programs.hello = {
    node = [[ t.serve({}, stream => {
        if (!stream.endAfterHeaders)
            stream.resume();
        stream.respond();
        if (!stream.headRequest)
            stream.end("hello");
    }); ]],
    lua = function(t)
        t:serve({}, function(stream)
            if not stream.endAfterHeaders then
                stream:resume()
            end
            stream:respond()
            if not stream.headRequest then
                stream:finish("hello")
            end
        end)
    end,
}

--- A server that sends back what comes.
programs.echo_server = {
    node = [[ t.serve({}, stream => {
        stream.respond();
        stream.pipe(stream);
    }); ]],
    lua = function(t)
        t:serve({}, function(stream)
            stream:respond()
            stream:pipe(stream)
        end)
    end,
}

--- A server that does nothing but note.
programs.silent_server = {
    node = [[ t.serve(); ]],
    lua = function(t) t:serve() end,
}

--- A server that reads each request and does nothing else.
programs.reading_server = {
    node = [[ t.serve({}, stream => stream.resume()); ]],
    lua = function(t)
        t:serve({}, function(stream) stream:resume() end)
    end,
}

--- A client that sends one GET, reads the answer and closes its session.
programs.get = {
    node = [[
        const session = t.connect();
        const request = t.request(session);
        t.read(request, "request");
        t.closeAfter(request, session);
    ]],
    lua = function(t)
        local session = t:connect()
        local request = t:request(session)
        t:read(request, "request")
        t:close_after(request, session)
    end,
}

--- As `get`, with a POST of which only the HEADERS are sent.
programs.post = {
    node = [[
        const session = t.connect();
        const request = t.request(session, {":method": "POST"});
        t.read(request, "request");
        t.closeAfter(request, session);
    ]],
    lua = function(t)
        local session = t:connect()
        local request = t:request(session, {[":method"] = "POST"})
        t:read(request, "request")
        t:close_after(request, session)
    end,
}

return programs
