--- Programs that many differential scenarios share: see spec.support.differential.
local programs = {}

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
