-- behaviour.md 1, 3 and 10: exchanges that end well.
local differential = require("spec.support.differential")
local frames = require("spec.support.frames")
local programs = require("spec.support.programs")

differential.describe("an exchange", function(scenario)
    scenario{
        "a GET that is answered with a body",
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond({":status": 200, "content-type": "text/plain"});
                stream.end("hello");
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond({[":status"] = 200, ["content-type"] = "text/plain"})
                    stream:finish("hello")
                end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "a POST that is echoed",
        server = programs.echo_server,
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session, {":method": "POST"});
                t.read(request, "request");
                t.closeAfter(request, session);
                request.end("twelve bytes");
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session, {[":method"] = "POST"})
                t:read(request, "request")
                t:close_after(request, session)
                request:finish("twelve bytes")
            end,
        },
    }

    scenario{
        "a HEAD request",
        server = {
            node = [[ t.serve({}, stream => {
                t.log("head", stream.headRequest, stream.writableEnded);
                stream.respond({"content-length": 1000});
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    t:log("head", stream.headRequest, stream.writableEnded)
                    stream:respond({["content-length"] = 1000})
                end)
            end,
        },
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session, {":method": "HEAD"});
                t.read(request, "request");
                t.closeAfter(request, session);
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session, {[":method"] = "HEAD"})
                t:read(request, "request")
                t:close_after(request, session)
            end,
        },
    }

    scenario{
        "a status without a body",
        server = {
            node = [[ t.serve({}, stream => stream.respond({":status": 204})); ]],
            lua = function(t)
                t:serve({}, function(stream) stream:respond({[":status"] = 204}) end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "a response that ends with its headers",
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond({"x-a": "1"}, {endStream: true});
                t.log("ended", stream.writableEnded, stream.headersSent);
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond({["x-a"] = "1"}, {endStream = true})
                    t:log("ended", stream.writableEnded, stream.headersSent)
                end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "a response that begins with the body",
        server = {
            node = [[ t.serve({}, stream => stream.end("implicit")); ]],
            lua = function(t)
                t:serve({}, function(stream) stream:finish("implicit") end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "a response without a date",
        server = {
            node = [[ t.serve({}, stream => {
                stream.respond({":status": 404}, {sendDate: false, endStream: true});
                t.log("sent", JSON.stringify(Object.keys(stream.sentHeaders)));
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond({[":status"] = 404}, {sendDate = false, endStream = true})
                    t:log("sent", '["' .. next(stream.sentHeaders) .. '"]')
                end)
            end,
        },
        client = programs.get,
    }

    scenario{
        "informational responses before the final one",
        server = {
            node = [[ t.serve({}, stream => {
                stream.additionalHeaders({":status": 100});
                stream.additionalHeaders({":status": 103, link: "</a>; rel=preload"});
                stream.respond({}, {endStream: true});
                t.log("info", stream.sentInfoHeaders);
            }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:additionalHeaders({[":status"] = 100})
                    stream:additionalHeaders({[":status"] = 103, link = "</a>; rel=preload"})
                    stream:respond({}, {endStream = true})
                    t:log("info", stream.sentInfoHeaders)
                end)
            end,
        },
        client = programs.get,
        differs = {{
            "behaviour.md: \"continue\" follows the \"headers\" that it stands for",
            node = {"request continue", "request headers {:status: 100} 4"},
            lua = {"request headers {:status: 100} 4", "request continue"},
        }},
    }

    scenario{
        "a server that answers in full and never reads the body",
        server = {
            node = [[ t.serve({}, stream => { stream.respond(); stream.end("no"); }); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    stream:respond()
                    stream:finish("no")
                end)
            end,
        },
        client = programs.post,
    }

    scenario{
        "a server that answers in full and goes on reading",
        server = programs.hello,
        client = {
            node = [[
                const session = t.connect();
                const request = t.request(session, {":method": "POST"});
                t.read(request, "request");
                t.closeAfter(request, session);
                request.on("end", () => t.after(20, () => request.end("late")));
            ]],
            lua = function(t)
                local session = t:connect()
                local request = t:request(session, {[":method"] = "POST"})
                t:read(request, "request")
                t:close_after(request, session)
                request:on("end", function()
                    t:after(20, function() request:finish("late") end)
                end)
            end,
        },
        differs = {{
            "Node forgets a finish that the close overtakes",
            node = {"request end", "request close 0"},
            lua = {"request end", "request finish", "request close 0"},
        }},
    }

    scenario{
        "a client that never reads the answer",
        server = programs.hello,
        client = {
            node = [[
                const request = t.request(t.connect());
                t.after(150, () => t.log("state", request.closed, request.destroyed));
            ]],
            lua = function(t)
                local request = t:request(t:connect())
                t:after(150, function() t:log("state", request.closed, request.destroyed) end)
            end,
        },
        lasts = 0.3,
    }

    scenario{
        "a request that nobody answers",
        server = programs.silent_server,
        client = programs.get,
        lasts = 0.2,
    }

    scenario{
        "a client whose session closes while its request is open",
        server = {
            node = [[ t.serve({}, stream => t.after(50, () => stream.end("late"))); ]],
            lua = function(t)
                t:serve({}, function(stream)
                    t:after(50, function() stream:finish("late") end)
                end)
            end,
        },
        client = {
            node = [[
                const session = t.connect();
                t.read(t.request(session), "request");
                t.after(20, () => {
                    session.close(() => t.log("closed"));
                    t.log("state", session.closed, session.destroyed);
                    t.attempt("request", () => session.request());
                });
            ]],
            lua = function(t)
                local session = t:connect()
                t:read(t:request(session), "request")
                t:after(20, function()
                    session:close(function() t:log("closed") end)
                    t:log("state", session.closed, session.destroyed)
                    t:attempt("request", function() return session:request() end)
                end)
            end,
        },
        by_object = true,
    }

    scenario{
        "requests that wait for the connection and for their turn",
        client = {
            node = [[
                const session = t.connect();
                for (const name of ["a", "b", "c"]) {
                    const request = t.request(session, {":path": "/" + name}, {}, name);
                    t.log(name, request.id, request.pending);
                    request.on("ready", () => t.log(name, request.id, request.pending));
                    t.read(request, name);
                }
            ]],
            lua = function(t)
                local session = t:connect()
                for _, name in ipairs{"a", "b", "c"} do
                    local request = t:request(session, {[":path"] = "/" .. name}, {}, name)
                    t:log(name, request.id, request.pending)
                    request:on("ready", function() t:log(name, request.id, request.pending) end)
                    t:read(request, name)
                end
            end,
        },
        settings = {{frames.MAX_CONCURRENT_STREAMS, 1}},
        peer = function(peer)
            for id = 1, 5, 2 do
                peer:await_frame(frames.HEADERS, id)
                peer:send(frames.response(id, 200), frames.data(id, "ok", frames.END_STREAM))
            end
            peer:send(frames.goaway(5, 0))
            peer:await_end()
            peer:close()
        end,
        by_object = true,
    }
end)
